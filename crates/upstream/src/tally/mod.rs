//! What is counted of a backend while the gateway runs, for its metrics. Counting takes no lock.

mod end;
mod histogram;
mod method;
mod volume;
mod waiting;

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub use end::CallEnd;
pub use histogram::Durations;
use histogram::Histogram;
pub use method::CallMethod;
pub(crate) use volume::Volume;
pub(crate) use waiting::Wait;
pub use waiting::WaitFor;

/// The durations of the calls of one method, by how they ended.
type Ends = [Histogram; CallEnd::ALL.len()];

/// What is counted of a backend. It goes on when a backend is reached in another way.
#[derive(Debug, Default)]
pub struct Tally {
    /// By method, made with the first call of each.
    calls: [OnceLock<Box<Ends>>; CallMethod::ALL.len()],
    /// Of the calls that had to wait.
    waits: [Histogram; WaitFor::ALL.len()],
    failed_attempts: AtomicU64,
    openings: AtomicU64,
    starts: AtomicU64,
    volume: Arc<Volume>,
}

impl Tally {
    /// A call ended.
    pub(crate) fn ended(&self, method: CallMethod, end: CallEnd, took: Duration) {
        self.calls[method.place()].get_or_init(Box::default)[end.place()].note(took);
    }

    /// Waits for a connection.
    pub(crate) async fn connecting<T>(&self, making: Pin<&mut impl Future<Output = T>>) -> T {
        waiting::timed(self, WaitFor::Connection, making).await
    }

    /// An attempt to connect failed.
    pub(crate) fn attempt_failed(&self) {
        self.failed_attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on calls are refused.
    pub(crate) fn opened(&self) {
        self.openings.fetch_add(1, Ordering::Relaxed);
    }

    /// A process was started.
    pub(crate) fn started(&self) {
        self.starts.fetch_add(1, Ordering::Relaxed);
    }

    /// Where its bytes are counted.
    pub(crate) fn volume(&self) -> &Arc<Volume> {
        &self.volume
    }

    /// The calls that ended, by method and end, where there were any.
    pub fn calls(&self) -> impl Iterator<Item = (CallMethod, CallEnd, Durations)> {
        let of_method = |method: CallMethod| {
            let ends = self.calls[method.place()].get().into_iter();
            ends.flat_map(move |ends| CallEnd::ALL.map(|end| (method, end, ends[end.place()].read())))
        };
        let all = CallMethod::ALL.into_iter().flat_map(of_method);
        all.filter(|(_, _, durations)| durations.count > 0)
    }

    /// How long calls waited that had to.
    #[must_use]
    pub fn waits(&self, for_what: WaitFor) -> Durations {
        self.waits[for_what.place()].read()
    }

    /// How many attempts to connect failed.
    #[must_use]
    pub fn failed_attempts(&self) -> u64 {
        self.failed_attempts.load(Ordering::Relaxed)
    }

    /// How many processes were started.
    #[must_use]
    pub fn starts(&self) -> u64 {
        self.starts.load(Ordering::Relaxed)
    }

    /// How many bytes of messages were sent to it.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.volume.sent()
    }

    /// How many bytes of messages came from it.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.volume.received()
    }

    /// How often the breaker opened.
    #[must_use]
    pub fn openings(&self) -> u64 {
        self.openings.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_apart_by_method_and_end() {
        let tally = Tally::default();
        assert_eq!(tally.calls().count(), 0);
        let took = Duration::from_millis(3);
        tally.ended(CallMethod::ToolsCall, CallEnd::Ok, took);
        tally.ended(CallMethod::ToolsCall, CallEnd::Ok, took);
        tally.ended(CallMethod::Other, CallEnd::Cancelled, took);
        let counted: Vec<_> = tally
            .calls()
            .map(|(method, end, all)| (method, end, all.count))
            .collect();
        assert_eq!(
            counted,
            [
                (CallMethod::ToolsCall, CallEnd::Ok, 2),
                (CallMethod::Other, CallEnd::Cancelled, 1)
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn only_who_waits_has_waited() {
        let tally = Tally::default();
        let at_once = std::pin::pin!(async { 1 });
        assert_eq!(tally.connecting(at_once).await, 1);
        assert_eq!(tally.waits(WaitFor::Connection).count, 0);
        let later = std::pin::pin!(tokio::time::sleep(Duration::from_secs(2)));
        tally.connecting(later).await;
        let given_up = std::pin::pin!(tokio::time::sleep(Duration::from_secs(9)));
        let patience = Duration::from_secs(3);
        assert!(
            tokio::time::timeout(patience, tally.connecting(given_up))
                .await
                .is_err()
        );
        let waits = tally.waits(WaitFor::Connection);
        assert_eq!(waits.count, 2);
        assert!((waits.sum - 5.0).abs() < 0.01, "{}", waits.sum);
        assert_eq!(tally.waits(WaitFor::Turn).count, 0);
    }
}
