//! What waits for a client outside its calls, until its GET stream takes it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use argus_protocol::{ByteString, Raw};
use argus_upstream::Ask;
use tokio::sync::Notify;

/// So many events may wait; then the oldest is dropped.
const MAX_WAITING: usize = 512;

/// One event for the GET stream.
#[derive(Debug)]
pub enum FeedItem {
    /// A notification.
    Notification {
        /// The method.
        method: ByteString,
        /// The parameters.
        params: Option<Raw>,
    },
    /// A question that belongs to no call.
    Ask(Ask),
}

/// A bounded queue with one reader at a time: the newest.
#[derive(Debug, Default)]
pub struct FeedQueue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<FeedItem>,
    reader: u64,
}

impl FeedQueue {
    /// Adds an event. A list change that waits already is not added again.
    pub(crate) fn push(&self, item: FeedItem) {
        let mut state = self.state();
        if let FeedItem::Notification { method, params: None } = &item {
            let same =
                |other: &FeedItem| matches!(other, FeedItem::Notification { method: m, params: None } if m == method);
            if state.waiting.iter().any(same) {
                return;
            }
        }
        if state.waiting.len() >= MAX_WAITING {
            tracing::debug!("a client does not read its stream; the oldest event was dropped");
            state.waiting.pop_front();
        }
        state.waiting.push_back(item);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Becomes the reader; an earlier one ends.
    #[must_use]
    pub fn take_over(&self) -> u64 {
        let mut state = self.state();
        state.reader += 1;
        let reader = state.reader;
        drop(state);
        self.changed.notify_waiters();
        reader
    }

    /// The next event for this reader; `None` once another one took over.
    pub async fn next(&self, reader: u64) -> Option<FeedItem> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.state();
                if state.reader != reader {
                    return None;
                }
                if let Some(item) = state.waiting.pop_front() {
                    return Some(item);
                }
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(method: &'static str) -> FeedItem {
        FeedItem::Notification {
            method: ByteString::from_static(method),
            params: None,
        }
    }

    async fn method(queue: &FeedQueue, reader: u64) -> Option<String> {
        match queue.next(reader).await? {
            FeedItem::Notification { method, .. } => Some(method.to_string()),
            FeedItem::Ask(_) => None,
        }
    }

    #[tokio::test]
    async fn events_wait_in_order_and_equal_changes_once() {
        let queue = FeedQueue::default();
        for name in ["a", "b", "a"] {
            queue.push(notification(name));
        }
        let reader = queue.take_over();
        assert_eq!(method(&queue, reader).await.as_deref(), Some("a"));
        assert_eq!(method(&queue, reader).await.as_deref(), Some("b"));
        queue.push(notification("a"));
        assert_eq!(method(&queue, reader).await.as_deref(), Some("a"));
    }

    #[tokio::test]
    async fn a_new_reader_ends_the_old_one() {
        let queue = std::sync::Arc::new(FeedQueue::default());
        let old = queue.take_over();
        let waiting = tokio::spawn({
            let queue = std::sync::Arc::clone(&queue);
            async move { method(&queue, old).await }
        });
        tokio::task::yield_now().await;
        let new = queue.take_over();
        assert_eq!(waiting.await.unwrap(), None);
        queue.push(notification("a"));
        assert_eq!(method(&queue, new).await.as_deref(), Some("a"));
    }
}
