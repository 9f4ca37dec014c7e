//! How long what a backend that is away listed last is still shown.

use std::time::Duration;

use tokio::time::Instant;

use crate::Upstream;
use crate::state::set;

/// The clock of one absence. It begins when the backend is lost and counts from the first failed attempt on.
#[derive(Debug)]
pub(crate) struct Grace {
    /// `None`: it never ends.
    length: Option<Duration>,
    until: Option<Instant>,
    failed: bool,
}

impl Grace {
    pub(crate) fn new(length: Option<Duration>) -> Self {
        Self {
            length,
            until: None,
            failed: false,
        }
    }

    /// The backend is ready.
    pub(crate) fn back(&mut self) {
        (self.until, self.failed) = (None, false);
    }

    /// The backend is lost.
    pub(crate) fn lost(&mut self) {
        self.until = self.until.or_else(|| Some(Instant::now() + self.length?));
    }

    /// An attempt to reach it failed.
    pub(crate) fn failed(&mut self) {
        self.lost();
        self.failed = true;
    }

    /// Does `work`; what the backend listed is hidden meanwhile when its time is over.
    pub(crate) async fn during<T>(&mut self, upstream: &Upstream, work: impl Future<Output = T>) -> T {
        let Some(until) = self.until.filter(|_| self.failed) else {
            return work.await;
        };
        let mut work = std::pin::pin!(work);
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(until) => set(upstream, |state| state.shown = false),
            done = &mut work => return done,
        }
        work.await
    }
}
