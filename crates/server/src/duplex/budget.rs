//! What may wait for all clients together.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::outgoing::Queue;

/// Bytes that may wait on all connections together; one message may be larger when nothing else waits.
const MAX_BYTES: usize = 256 << 20;

/// The bytes that the queues of all connections share. Where they are spent, the queue in which most waits ends: its
/// client reads least.
pub(crate) struct Budget {
    used: AtomicUsize,
    max: usize,
    next: AtomicU64,
    queues: Mutex<HashMap<u64, Weak<Queue>>>,
}

impl Default for Budget {
    fn default() -> Self {
        Self::of(MAX_BYTES)
    }
}

impl Budget {
    fn of(max: usize) -> Self {
        Self {
            used: AtomicUsize::new(0),
            max,
            next: AtomicU64::new(0),
            queues: Mutex::default(),
        }
    }

    /// Makes a queue that shares the budget.
    pub(crate) fn share(&self, queue: impl FnOnce(u64) -> Queue) -> Arc<Queue> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::new(queue(number));
        self.queues().insert(number, Arc::downgrade(&queue));
        queue
    }

    /// A queue is no more.
    pub(crate) fn forget(&self, number: u64) {
        self.queues().remove(&number);
    }

    /// Takes bytes for a queue; `false` when there are too few and no other queue has more of them.
    pub(crate) fn take(&self, bytes: usize, queue: &Queue) -> bool {
        while !self.take_free(bytes) {
            let fullest = self.fullest().filter(|(waiting, _)| *waiting > queue.bytes() + bytes);
            let waiting = fullest.as_ref().map_or_else(|| queue.bytes(), |(waiting, _)| *waiting);
            tracing::warn!(
                bytes = waiting,
                "too much waits for all clients of /sse together; the connection on which most waits is ended"
            );
            let Some((_, fullest)) = fullest else { return false };
            fullest.end();
        }
        true
    }

    /// Gives bytes back.
    pub(crate) fn give(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn take_free(&self, bytes: usize) -> bool {
        let more = |used: usize| (used == 0 || used + bytes <= self.max).then_some(used + bytes);
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    fn fullest(&self) -> Option<(usize, Arc<Queue>)> {
        // Looked at without the lock: the last one to drop a queue takes it.
        let queues: Vec<_> = self.queues().values().filter_map(Weak::upgrade).collect();
        let sizes = queues.into_iter().map(|queue| (queue.bytes(), queue));
        sizes.max_by_key(|(bytes, _)| *bytes)
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<u64, Weak<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("used", &self.used)
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::duplex::outgoing::{self, Unread};

    fn message(bytes: usize) -> Bytes {
        Bytes::from(vec![b' '; bytes])
    }

    #[tokio::test]
    async fn where_the_bytes_are_spent_the_fullest_queue_ends() {
        let budget = Arc::new(Budget::of(100));
        let ((full, _unread), (other, mut reading)) = (outgoing::queue(&budget), outgoing::queue(&budget));
        full.put(message(60)).await.unwrap();
        other.put(message(40)).await.unwrap();
        other.put(message(10)).await.unwrap();
        full.left().await;
        assert_eq!(full.put(message(1)).await, Err(Unread::Shared), "it has ended");
        assert_eq!(reading.next().await.unwrap().len(), 40);
        assert_eq!(budget.used.load(Ordering::Relaxed), 10);
    }

    #[tokio::test]
    async fn who_asks_for_most_ends_itself() {
        let budget = Arc::new(Budget::of(100));
        let ((full, _unread), (other, mut reading)) = (outgoing::queue(&budget), outgoing::queue(&budget));
        full.put(message(60)).await.unwrap();
        other.put(message(40)).await.unwrap();
        assert_eq!(full.put(message(1)).await, Err(Unread::Shared));
        assert_eq!(budget.used.load(Ordering::Relaxed), 40);
        assert_eq!(reading.next().await.unwrap().len(), 40);
    }

    #[tokio::test]
    async fn all_bytes_come_back() {
        let budget = Arc::new(Budget::of(100));
        let (outgoing, mut reading) = outgoing::queue(&budget);
        outgoing.put(message(1000)).await.unwrap();
        assert_eq!(reading.next().await.unwrap().len(), 1000);
        outgoing.put(message(50)).await.unwrap();
        outgoing.put(message(50)).await.unwrap();
        drop(outgoing);
        assert_eq!(budget.used.load(Ordering::Relaxed), 100, "the client reads it still");
        drop(reading);
        assert_eq!(budget.used.load(Ordering::Relaxed), 0);
        assert!(budget.queues().is_empty());
    }
}
