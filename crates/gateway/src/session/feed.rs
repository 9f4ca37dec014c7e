//! What waits for a client outside its calls, until its GET stream takes it, and what the stream took lately.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use argus_protocol::{ByteString, Id, Raw, method, write};
use argus_upstream::Ask;
use bytes::Bytes;
use tokio::sync::Notify;

use super::event_id::{EventId, FEED};
use super::history::History;
use super::rings::ResumeError;
use super::state::{Session, lock};

/// So many events may wait; then the oldest is dropped.
const MAX_WAITING: usize = 512;
/// So many bytes of events may wait.
const MAX_WAITING_BYTES: usize = 1024 * 1024;
/// What tells a client that something changed: all lists.
const LIST_CHANGES: [&str; 3] = [
    method::TOOLS_CHANGED,
    method::RESOURCES_CHANGED,
    method::PROMPTS_CHANGED,
];

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

impl FeedItem {
    fn bytes(&self) -> usize {
        let (method, params) = match self {
            Self::Notification { method, params } => (method, params),
            Self::Ask(ask) => (&ask.method, &ask.params),
        };
        method.len() + params.as_ref().map_or(0, |raw| raw.as_str().len())
    }

    /// It is short, waits only once, and a client that misses it sees an old list for ever.
    fn is_list_change(&self) -> bool {
        matches!(self, Self::Notification { method, params: None } if LIST_CHANGES.contains(&&**method))
    }
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
    waiting_bytes: usize,
    sent: History,
    reader: u64,
}

impl FeedQueue {
    /// Adds an event. A list change that waits already is not added again.
    pub(crate) fn push(&self, item: FeedItem) {
        if item.bytes() > MAX_WAITING_BYTES {
            tracing::debug!("an event that is too large to wait for its client was dropped");
            return;
        }
        let mut state = self.state();
        if let FeedItem::Notification { method, params: None } = &item {
            let same =
                |other: &FeedItem| matches!(other, FeedItem::Notification { method: m, params: None } if m == method);
            if state.waiting.iter().any(same) {
                return;
            }
        }
        state.waiting_bytes += item.bytes();
        state.waiting.push_back(item);
        let dropped = state.bound();
        drop(state);
        self.changed.notify_waiters();
        if !dropped.is_empty() {
            tracing::debug!("a client does not read its stream; the oldest events were dropped");
        }
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

    /// The next event for this reader; `None` once another one took over. Nothing is kept of it.
    pub async fn next(&self, reader: u64) -> Option<FeedItem> {
        self.when(reader, State::pop).await
    }

    /// Waits until there is something for this reader; `None` once another one took over.
    async fn when<T>(&self, reader: u64, mut take: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.state();
                if state.reader != reader {
                    return None;
                }
                if let Some(taken) = take(&mut state) {
                    return Some(taken);
                }
            }
            changed.await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn pop(&mut self) -> Option<FeedItem> {
        let item = self.waiting.pop_front()?;
        self.waiting_bytes -= item.bytes();
        Some(item)
    }

    /// Takes out the oldest events that are too many, but no list change.
    fn bound(&mut self) -> Vec<FeedItem> {
        let mut dropped = Vec::new();
        while self.waiting.len() > MAX_WAITING || self.waiting_bytes > MAX_WAITING_BYTES {
            let Some(at) = self.waiting.iter().position(|item| !item.is_list_change()) else {
                break;
            };
            if let Some(item) = self.waiting.remove(at) {
                self.waiting_bytes -= item.bytes();
                dropped.push(item);
            }
        }
        dropped
    }
}

impl Session {
    /// Reads the feed, from after the event that the client saw last, or from what was never sent.
    ///
    /// # Errors
    /// When there never was such an event.
    pub fn feed_reader(self: &Arc<Self>, last: Option<EventId>) -> Result<FeedReader, ResumeError> {
        let feed = self.feed();
        let mut state = feed.state();
        let newest = state.sent.newest();
        let read = last.map_or(newest, |last| last.number);
        if read > newest {
            return Err(ResumeError::NeverSent);
        }
        let missed = if state.sent.has_all_after(read) {
            &[][..]
        } else {
            &LIST_CHANGES
        };
        state.reader += 1;
        let reader = state.reader;
        drop(state);
        feed.changed.notify_waiters();
        Ok(FeedReader {
            session: Arc::clone(self),
            reader,
            read,
            missed: missed.iter(),
        })
    }

    /// The message of an event; `None` for a question that was refused.
    fn feed_message(&self, item: FeedItem) -> Option<Bytes> {
        match item {
            FeedItem::Notification { method, params } => Some(write::notification(&method, params.as_ref())),
            FeedItem::Ask(ask) => {
                let (number, params) = self.ask(ask.params, ask.reply)?;
                Some(write::request(&Id::number(number), &ask.method, params.as_ref()))
            }
        }
    }
}

/// Reads the feed of a session. The newest reader reads, the others end.
#[derive(Debug)]
pub struct FeedReader {
    session: Arc<Session>,
    reader: u64,
    read: u64,
    /// What to say first, because the client may have missed anything.
    missed: std::slice::Iter<'static, &'static str>,
}

impl FeedReader {
    /// The id of the event that was read last.
    #[must_use]
    pub fn position(&self) -> EventId {
        EventId {
            stream: FEED,
            number: self.read,
        }
    }

    /// The next message; `None` once another reader took over. What is said because something was missed is no event
    /// of the feed and has no id.
    pub async fn next(&mut self) -> Option<(Option<EventId>, Bytes)> {
        if let Some(method) = self.missed.next() {
            return Some((None, write::notification(method, None)));
        }
        let (session, read) = (&self.session, self.read);
        let take = |state: &mut State| {
            if let Some(again) = state.sent.after(read) {
                return Some(again);
            }
            while let Some(item) = state.pop() {
                if let Some(message) = session.feed_message(item) {
                    return Some((state.sent.add(message.clone()), message));
                }
            }
            None
        };
        let (number, message) = session.feed().when(self.reader, take).await?;
        self.read = number;
        Some((Some(self.position()), message))
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

    fn with_params(bytes: usize) -> FeedItem {
        FeedItem::Notification {
            method: ByteString::from_static("m"),
            params: Some(Raw::string(&"x".repeat(bytes))),
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

    #[test]
    fn what_waits_is_bounded_and_list_changes_stay() {
        let queue = FeedQueue::default();
        queue.push(notification(method::TOOLS_CHANGED));
        for _ in 0..600 {
            queue.push(with_params(10));
        }
        assert_eq!(queue.state().waiting.len(), MAX_WAITING);
        for _ in 0..20 {
            queue.push(with_params(MAX_WAITING_BYTES / 8));
            assert!(queue.state().waiting_bytes <= MAX_WAITING_BYTES);
        }
        queue.push(with_params(MAX_WAITING_BYTES));
        let mut state = queue.state();
        assert_eq!(state.waiting.len(), 8, "what is too large displaces nothing");
        assert!(state.pop().unwrap().is_list_change());
        while state.pop().is_some() {}
        assert_eq!(state.waiting_bytes, 0);
    }
}
