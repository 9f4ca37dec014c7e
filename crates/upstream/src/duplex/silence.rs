//! How long a backend has owed answers to clients' calls without giving any.

use std::time::Duration;

use tokio::time::Instant;

/// The time during which calls were with a backend since it last answered anything. While nobody calls it stands, so
/// that callers who come one after the other do not hide that none of them is answered.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// The calls that are with it.
    calls: usize,
    /// Since when some are, or when it was heard last.
    since: Option<Instant>,
    /// What there was before.
    before: Duration,
}

impl Silence {
    /// One more call is with it.
    pub(super) fn begin(&mut self) {
        self.calls += 1;
        self.since.get_or_insert_with(Instant::now);
    }

    /// A call is over, however.
    pub(super) fn end(&mut self) {
        self.calls = self.calls.saturating_sub(1);
        if self.calls == 0
            && let Some(since) = self.since.take()
        {
            self.before += since.elapsed();
        }
    }

    /// It answered something.
    pub(super) fn heard(&mut self) {
        self.before = Duration::ZERO;
        if let Some(since) = &mut self.since {
            *since = Instant::now();
        }
    }

    /// How long it is by now.
    pub(super) fn lasts(&self) -> Duration {
        self.before + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_grows_while_calls_are_open_over_many_of_them_and_ends_with_any_answer() {
        let mut silence = Silence::default();
        tokio::time::advance(SECOND).await;
        assert_eq!(silence.lasts(), Duration::ZERO);
        for _ in 0..3 {
            silence.begin();
            tokio::time::advance(SECOND).await;
            silence.end();
            tokio::time::advance(10 * SECOND).await;
        }
        assert_eq!(silence.lasts(), 3 * SECOND);
        silence.begin();
        silence.begin();
        tokio::time::advance(SECOND).await;
        silence.end();
        tokio::time::advance(SECOND).await;
        assert_eq!(silence.lasts(), 5 * SECOND);
        silence.heard();
        tokio::time::advance(SECOND).await;
        assert_eq!(silence.lasts(), SECOND, "one is open still");
        silence.heard();
        silence.end();
        assert_eq!(silence.lasts(), Duration::ZERO);
    }
}
