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
    /// A list changed.
    pub(crate) fn list_change(method: &'static str) -> Self {
        Self::Notification {
            method: ByteString::from_static(method),
            params: None,
        }
    }

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

    fn is_update(&self) -> bool {
        matches!(self, Self::Notification { method, .. } if method == method::RESOURCE_UPDATED)
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
    /// Whether something was lost of which the client was not told.
    gap: bool,
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

    /// The client may have missed anything: the next reader is to say so.
    pub(super) fn missed(&self) {
        self.state().gap = true;
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
                self.gap |= item.is_update();
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
        let before = last.is_some_and(|last| last.epoch != self.epoch());
        // What came after an event of before a restart is not known.
        state.gap |= before;
        let read = last.filter(|_| !before).map_or(newest, |last| last.number);
        if read > newest {
            return Err(ResumeError::NeverSent);
        }
        state.gap |= !state.sent.has_all_after(read);
        state.reader += 1;
        let reader = state.reader;
        drop(state);
        feed.changed.notify_waiters();
        Ok(FeedReader {
            session: Arc::clone(self),
            reader,
            read,
            missed: Vec::new().into_iter(),
        })
    }

    /// What a client is told that may have missed anything: that all lists have changed, and all that it subscribed to.
    fn anything_changed(&self) -> Vec<Bytes> {
        let lists = LIST_CHANGES.iter().map(|method| write::notification(method, None));
        let updates = self.all_subscriptions().into_iter().map(|uri| {
            let params = Raw::from_value(&serde_json::json!({ "uri": &*uri }));
            write::notification(method::RESOURCE_UPDATED, Some(&params))
        });
        lists.chain(updates).collect()
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
    missed: std::vec::IntoIter<Bytes>,
}

/// What a reader finds.
enum Found {
    /// An event and its number.
    Event(u64, Bytes),
    /// Something was lost before the next event.
    Gap,
}

impl FeedReader {
    /// The id of the event that was read last.
    #[must_use]
    pub fn position(&self) -> EventId {
        self.session.event_id(FEED, self.read)
    }

    /// The next message; `None` once another reader took over. What is said because something was missed is no event
    /// of the feed and has no id.
    pub async fn next(&mut self) -> Option<(Option<EventId>, Bytes)> {
        loop {
            if let Some(message) = self.missed.next() {
                return Some((None, message));
            }
            let (session, read) = (&self.session, self.read);
            let take = |state: &mut State| {
                if std::mem::take(&mut state.gap) {
                    return Some(Found::Gap);
                }
                if let Some((number, message)) = state.sent.after(read) {
                    return Some(Found::Event(number, message));
                }
                while let Some(item) = state.pop() {
                    if let Some(message) = session.feed_message(item) {
                        return Some(Found::Event(state.sent.add(message.clone()), message));
                    }
                }
                None
            };
            match session.feed().when(self.reader, take).await? {
                Found::Gap => self.missed = session.anything_changed().into_iter(),
                Found::Event(number, message) => {
                    self.read = number;
                    return Some((Some(self.position()), message));
                }
            }
        }
    }
}

/// What it did not get to say is for the next reader.
impl Drop for FeedReader {
    fn drop(&mut self) {
        if self.missed.len() > 0 {
            self.session.feed().state().gap = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use argus_upstream::Declared;

    use super::*;
    use crate::session::Caller;
    use crate::session::state::Opening;

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

    fn session() -> Arc<Session> {
        Arc::new(Session::new(Opening {
            id: "s3cret".into(),
            number: 7,
            version: "2025-11-25",
            declared: Declared::nothing(),
            caller: Caller::at([127, 0, 0, 1].into()),
            pool: Arc::default(),
            stalls: Arc::default(),
        }))
    }

    fn update(bytes: usize) -> FeedItem {
        let params = serde_json::json!({"uri": "x://1", "x": "x".repeat(bytes)});
        FeedItem::Notification {
            method: ByteString::from_static(method::RESOURCE_UPDATED),
            params: Some(Raw::from_value(&params)),
        }
    }

    async fn next(reader: &mut FeedReader) -> (bool, String) {
        let (id, message) = reader.next().await.unwrap();
        (id.is_some(), String::from_utf8(message.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn updates_that_could_not_wait_are_made_up_for() {
        let session = session();
        assert!(session.subscribe(&"b".into(), "x://1"));
        for _ in 0..3 {
            session.feed().push(update(MAX_WAITING_BYTES / 2));
        }
        // The first reader leaves before it heard all of it.
        for missed in [1, 4] {
            let mut reader = session.feed_reader(None).unwrap();
            for number in 0..missed {
                let (is_event, message) = next(&mut reader).await;
                let expected = LIST_CHANGES.get(number).unwrap_or(&r#""uri":"x://1""#);
                assert!(!is_event && message.contains(expected), "{message}");
            }
            assert_eq!(reader.position().to_string(), "0-0");
        }
        let mut reader = session.feed_reader(None).unwrap();
        let (is_event, message) = next(&mut reader).await;
        assert!(is_event && message.contains("xxxx"), "it is told once");
    }

    #[tokio::test]
    async fn what_is_no_update_is_not_made_up_for() {
        let session = session();
        for _ in 0..600 {
            session.feed().push(with_params(1));
        }
        assert!(next(&mut session.feed_reader(None).unwrap()).await.0);
    }
}
