//! How long what a backend that is away listed last is still shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::Upstream;
use crate::state::set;

/// In milliseconds, as [`GracePeriod`] keeps it.
const FOR_EVER: u64 = u64::MAX;

/// How long that is; it may become another time while the gateway runs.
#[derive(Debug)]
pub struct GracePeriod(AtomicU64);

impl GracePeriod {
    /// So long, to the millisecond; `None`: for ever.
    #[must_use]
    pub fn new(length: Option<Duration>) -> Self {
        let period = Self(AtomicU64::default());
        period.set(length);
        period
    }

    /// So long for absences that begin from now on.
    pub fn set(&self, length: Option<Duration>) {
        let length = length.and_then(|length| u64::try_from(length.as_millis()).ok());
        self.0.store(length.unwrap_or(FOR_EVER), Ordering::Relaxed);
    }

    fn get(&self) -> Option<Duration> {
        let length = self.0.load(Ordering::Relaxed);
        (length != FOR_EVER).then(|| Duration::from_millis(length))
    }
}

/// The clock of one absence. It begins when the backend is lost and counts from the first failed attempt on.
#[derive(Debug)]
pub(crate) struct Grace {
    length: Arc<GracePeriod>,
    until: Option<Instant>,
    failed: bool,
}

impl Grace {
    pub(crate) fn new(length: Arc<GracePeriod>) -> Self {
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
        self.until = self.until.or_else(|| Some(Instant::now() + self.length.get()?));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_may_become_another_one_or_for_ever() {
        let period = Arc::new(GracePeriod::new(None));
        let mut grace = Grace::new(Arc::clone(&period));
        grace.failed();
        assert_eq!((period.get(), grace.until), (None, None));
        for length in [Duration::ZERO, Duration::from_millis(1500)] {
            period.set(Some(length));
            assert_eq!(period.get(), Some(length));
        }
        grace.failed();
        assert!(grace.until.is_some());
        period.set(None);
        grace.back();
        grace.failed();
        assert!(grace.until.is_none());
    }
}
