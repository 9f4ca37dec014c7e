//! One legacy session.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use argus_protocol::{Answer, ByteString, Id, Level, Raw, method};
use argus_upstream::{AskReply, Declared, Link, Lists, Upstream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::FeedQueue;
use super::asks::{self, Asks};
use crate::catalogue::Snapshot;
use crate::relay::Relay;

/// Capabilities of a client that let a backend ask it something.
const ASKABLE: [&str; 3] = ["sampling", "elicitation", "roots"];
/// "No level was set".
const NO_LEVEL: u8 = u8::MAX;

/// Subscriptions that one session may have.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 1000;
/// How long a call goes on whose client left: a client that means to come back for it does so soon, and the call holds
/// a backend and a place in the session until then.
const ADOPTED: Duration = Duration::from_secs(300);

/// A legacy client's state between its requests.
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
    /// What links of its own list, where that changed within them.
    own_lists: Mutex<HashMap<Arc<str>, Arc<Lists>>>,
    own_catalogue: ArcSwapOption<Snapshot>,
    /// URIs by backend.
    subscriptions: Mutex<HashMap<Arc<str>, HashSet<ByteString>>>,
    /// Streams that are open to the client.
    readers: AtomicUsize,
    calls: Mutex<HashMap<Id, CancellationToken>>,
    asks: Mutex<Asks>,
    feed: FeedQueue,
    over: CancellationToken,
    tasks: TaskTracker,
}

/// The id is what lets a client in: it is not shown.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("number", &self.number)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
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
            own_lists: Mutex::default(),
            own_catalogue: ArcSwapOption::empty(),
            subscriptions: Mutex::default(),
            readers: AtomicUsize::new(0),
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

    /// When the session was used last; `None` while a call or a stream is open.
    pub(super) fn last_use(&self) -> Option<Instant> {
        let used = Duration::from_millis(self.last_used.load(Ordering::Relaxed));
        let in_use = self.readers.load(Ordering::Relaxed) > 0 || !lock(&self.calls).is_empty();
        (!in_use).then(|| self.born + used)
    }

    /// A stream to the client is open: the session is in use until what this gives is dropped.
    #[must_use]
    pub fn reading(self: &Arc<Self>) -> Reading {
        self.readers.fetch_add(1, Ordering::Relaxed);
        Reading(Arc::clone(self))
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

    /// Keeps a link of the session's own; `true` when it takes the place of another one.
    pub(crate) fn keep_link(&self, upstream: &Upstream, link: &Arc<Link>) -> bool {
        let before = lock(&self.links).insert(Arc::clone(upstream.name()), Arc::clone(link));
        before.is_some_and(|before| !Arc::ptr_eq(&before, link))
    }

    /// Whether the session has a link of its own to a backend.
    pub(crate) fn has_own_link(&self, backend: &str) -> bool {
        lock(&self.links).contains_key(backend)
    }

    /// The catalogue of this session alone, if its own links list something of their own.
    pub(crate) fn own_catalogue(&self) -> Option<Arc<Snapshot>> {
        self.own_catalogue.load_full()
    }

    pub(crate) fn set_own_catalogue(&self, snapshot: Option<Arc<Snapshot>>) {
        self.own_catalogue.store(snapshot);
    }

    pub(crate) fn own_lists(&self) -> HashMap<Arc<str>, Arc<Lists>> {
        lock(&self.own_lists).clone()
    }

    pub(crate) fn keep_own_lists(&self, backend: &Arc<str>, lists: Arc<Lists>) {
        lock(&self.own_lists).insert(Arc::clone(backend), lists);
    }

    /// A new link lists what all others do; `true` when the old one listed something of its own.
    pub(crate) fn forget_own_lists(&self, backend: &Arc<str>) -> bool {
        lock(&self.own_lists).remove(backend).is_some()
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
        let wanted = self.level().filter(|_| method == method::LOG);
        wanted.is_none_or(|wanted| wanted.covers(params))
    }

    /// Notes a subscription; `false` when there are too many.
    pub(crate) fn subscribe(&self, backend: &Arc<str>, uri: &ByteString) -> bool {
        let mut subscriptions = lock(&self.subscriptions);
        let known = subscriptions.get(&**backend).is_some_and(|uris| uris.contains(uri));
        let count: usize = subscriptions.values().map(HashSet::len).sum();
        if !known && count >= MAX_SUBSCRIPTIONS {
            return false;
        }
        subscriptions
            .entry(Arc::clone(backend))
            .or_default()
            .insert(uri.clone());
        true
    }

    pub(crate) fn unsubscribe(&self, backend: &str, uri: &str) {
        if let Some(uris) = lock(&self.subscriptions).get_mut(backend) {
            uris.remove(uri);
        }
    }

    /// The URIs that the session subscribed to at a backend.
    pub(crate) fn subscriptions(&self, backend: &str) -> Vec<ByteString> {
        let subscriptions = lock(&self.subscriptions);
        subscriptions.get(backend).into_iter().flatten().cloned().collect()
    }

    pub(crate) fn subscribes(&self, backend: &str, uri: &str) -> bool {
        let subscriptions = lock(&self.subscriptions);
        subscriptions.get(backend).is_some_and(|uris| uris.contains(uri))
    }

    /// Takes a call whose client went away without cancelling it: in the legacy eras a lost connection is no
    /// cancellation (MCP "Cancellation"), so it goes on to its end, but not for ever.
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
                () = tokio::time::sleep(ADOPTED) => {}
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

/// A stream that is open to the client.
#[derive(Debug)]
pub struct Reading(Arc<Session>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.touch();
        self.0.readers.fetch_sub(1, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Arc<Session> {
        Arc::new(Session::new("s3cret".to_owned(), 7, "2025-11-25", Declared::nothing()))
    }

    #[test]
    fn an_open_stream_is_use() {
        let session = session();
        assert!(session.last_use().is_some());
        let (one, two) = (session.reading(), session.reading());
        drop(one);
        assert!(session.last_use().is_none());
        drop(two);
        assert!(session.last_use().is_some());
    }

    #[test]
    fn subscriptions_are_bounded() {
        let session = session();
        let backend: Arc<str> = "b".into();
        let uri = |n: usize| ByteString::from(format!("x://{n}"));
        for n in 0..MAX_SUBSCRIPTIONS {
            assert!(session.subscribe(&backend, &uri(n)));
        }
        assert!(!session.subscribe(&"other".into(), &uri(0)));
        assert!(session.subscribe(&backend, &uri(0)), "it is there already");
        assert!(session.subscribes("b", "x://5") && !session.subscribes("other", "x://5"));
        session.unsubscribe("b", "x://5");
        assert!(!session.subscribes("b", "x://5"));
        assert!(session.subscribe(&"other".into(), &uri(0)));
    }

    #[test]
    fn debug_hides_the_id() {
        let shown = format!("{:?}", session());
        assert!(shown.contains('7') && !shown.contains("s3cret"), "{shown}");
    }
}
