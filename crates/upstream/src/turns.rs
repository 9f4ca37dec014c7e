//! How many calls are with a backend at once, and how many wait for their turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argus_config::Usage;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::breaker::Admitted;
use crate::{LinkError, Outcome, Upstream};

/// The turns at one backend. Taking one that is free is one atomic operation.
#[derive(Debug)]
pub(crate) struct Turns {
    most: usize,
    most_waiting: usize,
    taken: AtomicUsize,
    waiting: AtomicUsize,
    freed: Notify,
}

/// The turn of one call; the next one's comes when it is dropped.
#[derive(Debug)]
pub struct Turn {
    upstream: Arc<Upstream>,
    /// Whether it was waited for.
    counts: bool,
    since: Instant,
    admitted: Admitted,
}

impl Turn {
    /// The backend whose turn it is.
    #[must_use]
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// The call is over: tells whether the backend answered, whatever it said.
    pub fn ended(&self, outcome: &Outcome) {
        match outcome {
            Ok(_) => self.upstream.answered(self.counts.then(|| self.since.elapsed())),
            Err(cause) if cause.is_failure() => self.upstream.failed(cause),
            Err(_) => {}
        }
    }

    /// There is no connection for the call. (Attempts to connect count where they are made; this one was to try.)
    pub fn unconnected(&self, cause: &LinkError) {
        if self.admitted == Admitted::ToTry {
            self.upstream.failed(cause);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.admitted == Admitted::ToTry {
            self.upstream.signs.breaker.release();
        }
        if self.counts {
            self.upstream.turns.free();
        }
    }
}

impl Upstream {
    /// Waits for a call's turn, at most as long as a call may take.
    ///
    /// # Errors
    /// When the backend failed too often, too many calls wait already, or the turn does not come in time.
    pub async fn turn(self: &Arc<Self>) -> Result<Turn, LinkError> {
        self.pulse.called();
        let trial = Trial::of(self)?;
        if !self.turns.take() {
            let after = self.definition().timeouts.call;
            let waited = tokio::time::timeout(after, self.turns.wait()).await;
            waited.map_err(|_| LinkError::Timeout {
                what: "a free turn",
                after,
            })??;
        }
        Ok(Turn {
            upstream: Arc::clone(self),
            counts: true,
            since: Instant::now(),
            admitted: trial.keep(),
        })
    }

    /// The turn of a call that only waits for what another one began: it has no part in how many are with the backend,
    /// because it may wait for those that come after it.
    #[must_use]
    pub fn beside(self: &Arc<Self>) -> Turn {
        self.pulse.called();
        Turn {
            upstream: Arc::clone(self),
            counts: false,
            since: Instant::now(),
            admitted: Admitted::Freely,
        }
    }
}

/// What a call that waits for its turn was let through as. Dropped, another one may try.
struct Trial<'a> {
    upstream: &'a Upstream,
    admitted: Admitted,
}

impl<'a> Trial<'a> {
    fn of(upstream: &'a Upstream) -> Result<Self, LinkError> {
        let admitted = upstream.signs.breaker.admit()?;
        Ok(Self { upstream, admitted })
    }

    fn keep(mut self) -> Admitted {
        std::mem::replace(&mut self.admitted, Admitted::Freely)
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if self.admitted == Admitted::ToTry {
            self.upstream.signs.breaker.release();
        }
    }
}

impl Turns {
    pub(crate) fn new(usage: &Usage) -> Self {
        Self {
            most: usage.max_concurrent_calls,
            most_waiting: usage.max_waiting_calls,
            taken: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
        }
    }

    fn take(&self) -> bool {
        let one_more = |taken| (taken < self.most).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more)
            .is_ok()
    }

    async fn wait(&self) -> Result<(), LinkError> {
        let _waiting = Waiting::begin(self)?;
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if self.take() {
                return Ok(());
            }
            freed.await;
        }
    }

    /// The orders are sequential, because whoever frees a turn must see who waits, or be seen by them.
    fn free(&self) {
        self.taken.fetch_sub(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.freed.notify_one();
        }
    }
}

/// One that waits.
struct Waiting<'a>(&'a Turns);

impl<'a> Waiting<'a> {
    fn begin(turns: &'a Turns) -> Result<Self, LinkError> {
        let this = Self(turns);
        if turns.waiting.fetch_add(1, Ordering::SeqCst) >= turns.most_waiting {
            return Err(LinkError::Busy {
                calls: turns.most,
                waiting: turns.most_waiting,
            });
        }
        Ok(this)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(most: usize, most_waiting: usize) -> Turns {
        Turns {
            most,
            most_waiting,
            taken: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            freed: Notify::new(),
        }
    }

    #[tokio::test]
    async fn those_beyond_wait_and_too_many_are_refused() {
        let turns = Arc::new(turns(2, 1));
        assert!(turns.take() && turns.take() && !turns.take());
        let waiting = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.wait().await }
        });
        tokio::task::yield_now().await;
        let refused = turns.wait().await.unwrap_err().to_string();
        assert!(
            refused.contains("2 calls") && refused.contains("max_waiting_calls"),
            "{refused}"
        );
        assert!(!waiting.is_finished());
        turns.free();
        waiting.await.unwrap().unwrap();
        assert!(!turns.take());
    }

    #[tokio::test]
    async fn one_who_stops_waiting_leaves_no_trace() {
        let turns = turns(1, 1);
        assert!(turns.take());
        assert!(
            tokio::time::timeout(std::time::Duration::from_millis(1), turns.wait())
                .await
                .is_err()
        );
        turns.free();
        assert!(turns.take());
        assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_one_of_many_gets_a_turn() {
        let turns = Arc::new(turns(3, 1000));
        let all = (0..500).map(|_| {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move {
                if !turns.take() {
                    turns.wait().await.unwrap();
                }
                tokio::task::yield_now().await;
                turns.free();
            })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        assert_eq!(turns.taken.load(Ordering::Relaxed), 0);
    }
}
