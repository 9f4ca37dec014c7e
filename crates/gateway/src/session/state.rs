//! One legacy session.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use argus_protocol::{Answer, ByteString, Id, Level, Raw, method};
use argus_upstream::{AskReply, Declared};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::asks::{self, Asks};
use super::calls::Calls;
use super::delegated::Delegated;
use super::lasting::Lasting;
use super::own::Own;
use super::rings::{Pool, Rings};
use super::subscriptions::Subscriptions;
use super::{Caller, FeedQueue, Transport};
use crate::bridge::introduced::introduced;
use crate::stalls::Stalls;
use crate::tasks::Early;
use crate::wanted::Want;

/// Capabilities of a client that let a backend ask it something.
const ASKABLE: [&str; 3] = ["sampling", "elicitation", "roots"];
/// "No level was set".
const NO_LEVEL: u8 = u8::MAX;

/// A legacy client's state between its requests.
pub struct Session {
    id: Arc<str>,
    number: u64,
    version: &'static str,
    transport: Transport,
    caller: Caller,
    declared: Declared,
    /// The same, for modern backends.
    introduced: OnceLock<Declared>,
    can_be_asked: bool,
    level: AtomicU8,
    born: Instant,
    /// Microseconds after `born`.
    last_used: AtomicU64,
    /// Its links of its own.
    pub(super) own: Own,
    subscriptions: Mutex<Subscriptions>,
    delegated: Mutex<Delegated>,
    /// What its own links said of tasks that it is not known yet to have begun.
    early: Early,
    /// Tasks that the client runs for backends, by its own ids.
    runs: Mutex<Delegated>,
    /// Streams that are open to the client.
    readers: AtomicUsize,
    calls: Mutex<Calls>,
    asks: Mutex<Asks>,
    rings: Mutex<Rings>,
    stalls: Arc<Stalls>,
    feed: FeedQueue,
    over: CancellationToken,
    tasks: TaskTracker,
    /// `None`: it ends with this process.
    lasting: Option<Lasting>,
}

/// What a session begins with.
pub(super) struct Opening {
    pub(super) id: Arc<str>,
    pub(super) number: u64,
    pub(super) version: &'static str,
    pub(super) declared: Declared,
    pub(super) caller: Caller,
    pub(super) pool: Arc<Pool>,
    pub(super) stalls: Arc<Stalls>,
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
    pub(super) fn new(opening: Opening) -> Self {
        let declared = opening.declared;
        Self {
            id: opening.id,
            number: opening.number,
            version: opening.version,
            transport: Transport::StreamableHttp,
            caller: opening.caller,
            can_be_asked: ASKABLE.iter().any(|capability| declared.offers(capability)),
            declared,
            introduced: OnceLock::new(),
            level: AtomicU8::new(NO_LEVEL),
            born: Instant::now(),
            last_used: AtomicU64::new(0),
            own: Own::default(),
            subscriptions: Mutex::default(),
            delegated: Mutex::default(),
            early: Early::default(),
            runs: Mutex::default(),
            readers: AtomicUsize::new(0),
            calls: Mutex::default(),
            asks: Mutex::default(),
            rings: Mutex::new(Rings::new(opening.pool)),
            stalls: opening.stalls,
            feed: FeedQueue::default(),
            over: CancellationToken::new(),
            tasks: TaskTracker::new(),
            lasting: None,
        }
    }

    /// The same session, which outlives this process.
    pub(super) fn that_lasts(mut self, lasting: Lasting) -> Self {
        self.lasting = Some(lasting);
        self
    }

    /// The same session, whose client came over another transport than Streamable HTTP.
    pub(super) fn over_transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// How its client is connected.
    pub(super) fn transport(&self) -> Transport {
        self.transport
    }

    /// The time since it was opened, or came back in this process.
    pub(super) fn here_for(&self) -> Duration {
        self.born.elapsed()
    }

    /// The value of `Mcp-Session-Id`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn shared_id(&self) -> Arc<str> {
        Arc::clone(&self.id)
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

    pub(super) fn lasting(&self) -> Option<&Lasting> {
        self.lasting.as_ref()
    }

    pub(super) fn caller(&self) -> Caller {
        self.caller
    }

    pub(super) fn calls(&self) -> &Mutex<Calls> {
        &self.calls
    }

    pub(super) fn rings(&self) -> &Mutex<Rings> {
        &self.rings
    }

    pub(super) fn stalls(&self) -> &Arc<Stalls> {
        &self.stalls
    }

    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    pub(crate) fn declared(&self) -> &Declared {
        &self.declared
    }

    /// What modern backends are told of the client.
    pub(crate) fn introduced(&self) -> &Declared {
        self.introduced.get_or_init(|| introduced(&self.declared))
    }

    /// Whether the client declared something that a backend could ask it for.
    pub(crate) fn can_be_asked(&self) -> bool {
        self.can_be_asked
    }

    pub(super) fn touch(&self) {
        let now = u64::try_from(self.born.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.last_used.store(now, Ordering::Relaxed);
    }

    /// When the session was used last; `None` while a call or a stream is open.
    pub(super) fn last_use(&self) -> Option<Instant> {
        let used = Duration::from_micros(self.last_used.load(Ordering::Relaxed));
        let in_use = self.readers.load(Ordering::Relaxed) > 0 || !lock(&self.calls).none();
        (!in_use).then(|| self.born + used)
    }

    /// A stream to the client is open: the session is in use until what this gives is dropped.
    #[must_use]
    pub fn reading(self: &Arc<Self>) -> Reading {
        self.readers.fetch_add(1, Ordering::Relaxed);
        Reading(Arc::clone(self))
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

    pub(crate) fn level(&self) -> Option<Level> {
        Level::from_byte(self.level.load(Ordering::Relaxed))
    }

    pub(crate) fn set_level(&self, level: Level) {
        self.level.store(level.to_byte(), Ordering::Relaxed);
        if let Some(lasting) = &self.lasting {
            lasting.level(level);
        }
    }

    /// Whether a notification may reach the client: a log message below its level may not.
    pub(crate) fn wants_log(&self, method: &str, params: Option<&Raw>) -> bool {
        let wanted = self.level().filter(|_| method == method::LOG);
        wanted.is_none_or(|wanted| wanted.covers(params))
    }

    /// Notes a subscription; `false` when there are too many.
    pub(crate) fn subscribe(&self, backend: &Arc<str>, uri: &str) -> bool {
        let mut subscriptions = lock(&self.subscriptions);
        let known = subscriptions.has(backend, uri);
        let noted = known || subscriptions.add(backend, uri);
        // The journal is told while nobody else changes them, and in the same order.
        if let Some(lasting) = self.lasting.as_ref().filter(|_| noted && !known) {
            lasting.subscribed(backend, uri);
        }
        noted
    }

    pub(crate) fn unsubscribe(&self, backend: &str, uri: &str) {
        let mut subscriptions = lock(&self.subscriptions);
        let known = subscriptions.has(backend, uri);
        subscriptions.remove(backend, uri);
        if let Some(lasting) = self.lasting.as_ref().filter(|_| known) {
            lasting.unsubscribed(backend, uri);
        }
    }

    pub(super) fn all_by_backend(&self) -> MutexGuard<'_, Subscriptions> {
        lock(&self.subscriptions)
    }

    /// Keeps what wants the updates of a resource for as long as the session subscribes to it.
    pub(crate) fn hold(&self, backend: &Arc<str>, want: Want) {
        lock(&self.subscriptions).hold(backend, want);
    }

    /// Whether it hears of a resource, or of one that it is part of, from a stream that the gateway shares out, rather
    /// than on a legacy link.
    pub(crate) fn hears(&self, backend: &str, uri: &str) -> bool {
        lock(&self.subscriptions).holds(backend, uri)
    }

    /// The URIs that the session subscribed to at a backend.
    pub(crate) fn subscriptions(&self, backend: &str) -> Vec<ByteString> {
        lock(&self.subscriptions).at(backend)
    }

    /// The URIs that the session subscribed to, at whatever backend.
    pub(super) fn all_subscriptions(&self) -> HashSet<ByteString> {
        lock(&self.subscriptions).all()
    }

    /// Whether the session subscribed to a resource, or to one that it is part of.
    pub(crate) fn wants_update(&self, backend: &str, uri: &str) -> bool {
        lock(&self.subscriptions).wants(backend, uri)
    }

    pub(crate) fn subscribes(&self, backend: &str, uri: &str) -> bool {
        lock(&self.subscriptions).has(backend, uri)
    }

    /// Notes that a task of a backend is the session's; gives those there that are forgotten for it.
    pub(crate) fn note_task(&self, backend: &Arc<str>, id: &str) -> Vec<ByteString> {
        lock(&self.delegated).note(backend, id)
    }

    /// The task is somebody else's by now.
    pub(crate) fn forget_task(&self, backend: &str, id: &str) {
        lock(&self.delegated).forget(backend, id);
    }

    pub(crate) fn has_task(&self, backend: &str, id: &str) -> bool {
        lock(&self.delegated).has(backend, id)
    }

    /// The backend's own ids of the session's tasks there.
    pub(crate) fn tasks_at(&self, backend: &str) -> HashSet<ByteString> {
        lock(&self.delegated).at(backend)
    }

    pub(crate) fn early(&self) -> &Early {
        &self.early
    }

    /// The client runs a task for a backend.
    pub(crate) fn note_run(&self, backend: &Arc<str>, id: &str) {
        lock(&self.runs).note(backend, id);
    }

    /// The backend for which the client runs a task.
    pub(crate) fn runs_for(&self, id: &str) -> Option<Arc<str>> {
        lock(&self.runs).backend_of(id)
    }

    /// Lets go what was kept for the client for long enough.
    pub(crate) fn expire(&self) {
        lock(&self.rings).expire(tokio::time::Instant::now());
    }

    /// Ends everything the session holds.
    pub(super) fn end(&self) {
        self.over.cancel();
        self.drop_links();
        lock(&self.rings).clear();
        lock(&self.subscriptions).let_go();
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

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn changes_during_a_read_cause_one_more() {
        let session = session();
        let backend: Arc<str> = "odd".into();
        let changed = |method| session.note_change(&backend, ByteString::from_static(method));
        assert!(changed(method::TOOLS_CHANGED), "somebody must read");
        assert!(!changed(method::PROMPTS_CHANGED) && !changed(method::TOOLS_CHANGED));
        assert_eq!(
            session.take_changes(&backend).unwrap(),
            [method::TOOLS_CHANGED, method::PROMPTS_CHANGED]
        );
        for _ in 0..1000 {
            assert!(!changed(method::TOOLS_CHANGED), "a second reader");
        }
        assert_eq!(session.take_changes(&backend).unwrap(), [method::TOOLS_CHANGED]);
        assert!(session.take_changes(&backend).is_none());
        assert!(changed(method::TOOLS_CHANGED), "the reading ended");
    }

    #[test]
    fn debug_hides_the_id() {
        let shown = format!("{:?}", session());
        assert!(shown.contains('7') && !shown.contains("s3cret"), "{shown}");
    }
}
