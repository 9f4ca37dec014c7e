//! The search for the modern era on a process: one probe at a time, and not again and again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a modern client waits to learn whether a process is modern too, before it is served through the bridge.
const VERDICT_WAIT: Duration = Duration::from_secs(3);
/// How long a probe that came to nothing (no answer, no process) counts as "not modern".
const DOUBT: Duration = Duration::from_secs(600);

/// Where the search stands, besides the verdict.
#[derive(Debug, Default)]
pub(crate) struct Probing(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// When the probe that runs began.
    since: Option<Instant>,
    /// No probe before this; the last one came to nothing.
    not_before: Option<Instant>,
}

impl Probing {
    /// Until when to wait for a probe that runs or is to be begun; `None` when there is nothing to wait for.
    pub(crate) fn begin(&self) -> Option<Instant> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match (state.since, state.not_before) {
            (Some(since), _) => Some(since + VERDICT_WAIT).filter(|until| now < *until),
            (None, Some(not_before)) if now < not_before => None,
            (None, _) => {
                state.since = Some(now);
                Some(now + VERDICT_WAIT)
            }
        }
    }

    /// The probe is over.
    pub(crate) fn end(&self, in_vain: bool) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.since = None;
        state.not_before = in_vain.then(|| Instant::now() + DOUBT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_probe_is_waited_for_a_while_and_a_vain_one_is_not_repeated_for_a_while() {
        let probing = Probing::default();
        assert_eq!(probing.begin(), Some(Instant::now() + VERDICT_WAIT));
        tokio::time::advance(VERDICT_WAIT).await;
        assert_eq!(probing.begin(), None, "it goes on, but nobody waits for it any more");
        probing.end(true);
        assert_eq!(probing.begin(), None);
        tokio::time::advance(DOUBT).await;
        assert!(probing.begin().is_some());
        probing.end(false);
        assert!(probing.begin().is_some());
    }
}
