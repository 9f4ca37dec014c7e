//! One legacy session.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use argus_protocol::{Answer, ByteString, Id, Raw, method};
use argus_upstream::{AskReply, Declared, Link, Upstream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::asks::{self, Asks};
use super::{FeedQueue, Level};
use crate::relay::Relay;

/// Capabilities of a client that let a backend ask it something.
const ASKABLE: [&str; 3] = ["sampling", "elicitation", "roots"];
/// "No level was set".
const NO_LEVEL: u8 = u8::MAX;

/// A legacy client's state between its requests.
#[derive(Debug)]
pub struct Session {
    id: String,
    number: u64,
    version: &'static str,
    declared: Declared,
    can_be_asked: bool,
    level: AtomicU8,
    born: Instant,
    /// Milliseconds after `born`.
    last_used: AtomicU64,
    links: Mutex<HashMap<Arc<str>, Arc<Link>>>,
    subscriptions: Mutex<HashSet<(String, ByteString)>>,
    calls: Mutex<HashMap<Id, CancellationToken>>,
    asks: Mutex<Asks>,
    feed: FeedQueue,
    over: CancellationToken,
    tasks: TaskTracker,
}

impl Session {
    pub(super) fn new(id: String, number: u64, version: &'static str, declared: Declared) -> Self {
        Self {
            id,
            number,
            version,
            can_be_asked: ASKABLE.iter().any(|capability| declared.offers(capability)),
            declared,
            level: AtomicU8::new(NO_LEVEL),
            born: Instant::now(),
            last_used: AtomicU64::new(0),
            links: Mutex::default(),
            subscriptions: Mutex::default(),
            calls: Mutex::default(),
            asks: Mutex::default(),
            feed: FeedQueue::default(),
            over: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// The value of `Mcp-Session-Id`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The negotiated revision.
    #[must_use]
    pub fn version(&self) -> &'static str {
        self.version
    }

    /// What waits for the client's GET stream.
    #[must_use]
    pub fn feed(&self) -> &FeedQueue {
        &self.feed
    }

    /// Ends when the session does.
    #[must_use]
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn declared(&self) -> &Declared {
        &self.declared
    }

    /// Whether the client declared something that a backend could ask it for.
    pub(crate) fn can_be_asked(&self) -> bool {
        self.can_be_asked
    }

    pub(super) fn touch(&self) {
        let now = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_used.store(now, Ordering::Relaxed);
    }

    pub(super) fn idle(&self) -> Duration {
        let used = Duration::from_millis(self.last_used.load(Ordering::Relaxed));
        if lock(&self.calls).is_empty() {
            self.born.elapsed().saturating_sub(used)
        } else {
            Duration::ZERO
        }
    }

    /// Registers a request, so that the client can cancel it; `None` when its id is in use.
    #[must_use]
    pub fn begin(self: &Arc<Self>, id: &Id) -> Option<InFlight> {
        let mut calls = lock(&self.calls);
        if calls.contains_key(id) {
            return None;
        }
        let cancelled = CancellationToken::new();
        calls.insert(id.clone(), cancelled.clone());
        Some(InFlight {
            session: Arc::clone(self),
            id: id.clone(),
            cancelled,
        })
    }

    pub(crate) fn cancel(&self, id: &Id) {
        let call = lock(&self.calls).get(id).cloned();
        if let Some(call) = call {
            call.cancel();
        }
    }

    /// Gives a backend's question a number that the client knows it by. `None` when it was refused.
    #[must_use]
    pub fn ask(&self, params: Option<Raw>, reply: AskReply) -> Option<(u64, Option<Raw>)> {
        lock(&self.asks).open(params, reply)
    }

    /// The client's answer to a question; `false` for an unknown one.
    pub fn answer(&self, id: &Id, answer: &Answer) -> bool {
        let reply = id.as_number().and_then(|number| lock(&self.asks).take(number));
        asks::answer(reply, answer)
    }

    /// The question is no longer open, whatever becomes of it.
    pub fn withdraw(&self, number: u64) {
        let reply = lock(&self.asks).take(number);
        drop(reply);
    }

    pub(crate) fn ask_progress(&self, params: &Raw) {
        lock(&self.asks).progress(params);
    }

    pub(crate) fn link_to(&self, upstream: &Upstream) -> Option<Arc<Link>> {
        lock(&self.links)
            .get(upstream.name())
            .filter(|link| link.ended().is_none())
            .cloned()
    }

    pub(crate) fn keep_link(&self, upstream: &Upstream, link: &Arc<Link>) {
        lock(&self.links).insert(Arc::clone(upstream.name()), Arc::clone(link));
    }

    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        lock(&self.links).values().cloned().collect()
    }

    pub(crate) fn drop_links(&self) {
        lock(&self.links).clear();
    }

    pub(crate) fn level(&self) -> Option<Level> {
        Level::from_byte(self.level.load(Ordering::Relaxed))
    }

    pub(crate) fn set_level(&self, level: Level) {
        self.level.store(level.to_byte(), Ordering::Relaxed);
    }

    /// Whether a notification may reach the client: a log message below its level may not.
    pub(crate) fn wants_log(&self, method: &str, params: Option<&Raw>) -> bool {
        let Some(wanted) = self.level().filter(|_| method == method::LOG) else {
            return true;
        };
        params.and_then(Level::of_message).is_none_or(|level| level >= wanted)
    }

    pub(crate) fn subscribe(&self, backend: &str, uri: &ByteString) {
        lock(&self.subscriptions).insert((backend.to_owned(), uri.clone()));
    }

    pub(crate) fn unsubscribe(&self, backend: &str, uri: &ByteString) {
        lock(&self.subscriptions).remove(&(backend.to_owned(), uri.clone()));
    }

    pub(crate) fn subscribes(&self, backend: &str, uri: &ByteString) -> bool {
        lock(&self.subscriptions).contains(&(backend.to_owned(), uri.clone()))
    }

    /// Takes a call whose client went away without cancelling it: in the legacy eras a lost connection is no
    /// cancellation (MCP "Cancellation"), so it goes on to its end.
    pub fn adopt(self: &Arc<Self>, mut relay: Relay, in_flight: InFlight) {
        let session = Arc::clone(self);
        self.tasks.spawn(async move {
            let finishing = async {
                while let Some(event) = relay.next().await {
                    if let argus_upstream::Event::Ask(ask) = event {
                        session.feed.push(super::FeedItem::Ask(ask));
                    }
                }
            };
            tokio::select! {
                () = finishing => {}
                () = in_flight.cancelled() => {}
                () = session.over.cancelled() => {}
            }
        });
    }

    /// Ends everything the session holds.
    pub(super) fn end(&self) {
        self.over.cancel();
        self.drop_links();
        let open = lock(&self.asks).drain();
        drop(open);
    }
}

/// A request of the client that is being worked on.
#[derive(Debug)]
pub struct InFlight {
    session: Arc<Session>,
    id: Id,
    cancelled: CancellationToken,
}

impl InFlight {
    /// Waits until the client cancels the request.
    pub async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }

    /// The same, to be kept.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.cancelled.clone()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        lock(&self.session.calls).remove(&self.id);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
