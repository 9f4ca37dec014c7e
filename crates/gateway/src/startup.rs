//! Waiting a little for backends that are still in their first attempt.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The time after a start in which lists and handshakes wait for backends.
#[derive(Debug)]
pub(crate) struct Startup {
    until: Instant,
    over: CancellationToken,
}

impl Startup {
    /// Begins now and lasts at most `wait`.
    pub(crate) fn begin(wait: Duration) -> Self {
        Self {
            until: Instant::now() + wait,
            over: CancellationToken::new(),
        }
    }

    /// Every first attempt is over and its outcome is in the catalogue.
    pub(crate) fn finish(&self) {
        self.over.cancel();
    }

    /// Returns at once when the start is over, else when it is.
    pub(crate) async fn wait(&self) {
        if self.over.is_cancelled() {
            return;
        }
        tokio::select! {
            () = self.over.cancelled() => {}
            () = tokio::time::sleep_until(self.until) => self.over.cancel(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_at_most_so_long_and_only_once() {
        let startup = Startup::begin(Duration::from_secs(5));
        let began = Instant::now();
        startup.wait().await;
        startup.wait().await;
        assert_eq!(began.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn ends_when_all_have_been_tried() {
        let startup = Startup::begin(Duration::from_secs(5));
        startup.finish();
        let began = Instant::now();
        startup.wait().await;
        assert_eq!(began.elapsed().as_secs(), 0);
    }
}
