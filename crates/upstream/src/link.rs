//! One live connection to a backend, in one era.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use argus_protocol::{Answer, Era, Object, Raw, capability, meta, method};
use tokio::sync::Notify;

use crate::duplex::Conversation;
use crate::hearing::{Hearing, ListKind};
use crate::redact::Redactor;
use crate::{Exchange, Hint, LinkError, Lists, Outgoing, http, listing, sse, stdio};

/// What a backend said of itself in `initialize` or `server/discover`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The negotiated revision.
    pub version: String,
    /// `capabilities`.
    pub capabilities: Raw,
    /// `serverInfo`, if it gave one.
    pub server_info: Option<Raw>,
    /// `instructions`, if it gave any.
    pub instructions: Option<String>,
    /// How long all this holds; `None` where its revision has no hints.
    pub hint: Option<Hint>,
}

impl Hello {
    /// Whether a capability is declared.
    #[must_use]
    pub fn has(&self, capability: &str) -> bool {
        Object::parse(&self.capabilities).is_ok_and(|read| read.get(capability).is_some())
    }

    /// Whether a capability declares a boolean of its own, such as `resources.subscribe`.
    #[must_use]
    pub fn has_flag(&self, capability: &str, flag: &str) -> bool {
        Object::parse(&self.capabilities)
            .ok()
            .and_then(|read| read.get_object(capability))
            .is_some_and(|inner| inner.get(flag).is_some_and(|raw| raw.as_str() == "true"))
    }

    /// Whether it has tasks in an era: the capability of MCP 2025-11-25, or the extension of 2026-07-28.
    #[must_use]
    pub fn has_tasks(&self, era: Era) -> bool {
        match era {
            Era::Legacy => self.has(capability::TASKS),
            Era::Modern => Object::parse(&self.capabilities)
                .ok()
                .and_then(|read| read.get_object(capability::EXTENSIONS))
                .is_some_and(|extensions| extensions.get(capability::TASKS_EXTENSION).is_some()),
        }
    }

    /// Whether requests of a method can be made as tasks: `tasks.requests.tools.call` for `tools/call` (MCP 2025-11-25
    /// "Tasks").
    #[must_use]
    pub fn takes_task(&self, method: &str) -> bool {
        let tasks = Object::parse(&self.capabilities)
            .ok()
            .and_then(|read| read.get_object(capability::TASKS));
        let requests = tasks.and_then(|tasks| tasks.get_object("requests"));
        let family = |name: &str| requests.as_ref().and_then(|requests| requests.get_object(name));
        let split = method.split_once('/');
        split.is_some_and(|(name, verb)| family(name).is_some_and(|verbs| verbs.get(verb).is_some()))
    }
}

/// A connection that can carry calls.
#[derive(Debug)]
pub struct Link {
    era: Era,
    owned: bool,
    hello: Hello,
    /// The `_meta` that names the server in results for modern clients.
    server_meta: Option<Raw>,
    /// Whether the backend has tasks in this era.
    tasks: bool,
    level: AtomicU8,
    heard: AtomicBool,
    /// Whether changes of its lists are heard of.
    hearing: Arc<Hearing>,
    /// Takes secrets out of what the backend refuses with.
    redactor: Arc<Redactor>,
    wire: Wire,
}

/// The transports.
#[derive(Debug)]
pub(crate) enum Wire {
    Stdio(stdio::Connection),
    Http(http::Connection),
    Sse(sse::Connection),
}

/// What is spoken over a [`Wire`].
enum Speech<'w> {
    /// Messages of all calls together.
    Duplex(&'w Conversation),
    /// A request each.
    Http(&'w http::Connection),
}

impl Wire {
    fn speech(&self) -> Speech<'_> {
        match self {
            Self::Stdio(connection) => Speech::Duplex(connection.conversation()),
            Self::Sse(connection) => Speech::Duplex(connection.conversation()),
            Self::Http(connection) => Speech::Http(connection),
        }
    }

    pub(crate) fn call(&self, request: Outgoing) -> Events {
        match self.speech() {
            Speech::Duplex(conversation) => conversation.call(request),
            Speech::Http(connection) => connection.call(request),
        }
    }

    /// Whom to tell of a call that was not answered in time. A process ends visibly, and a call over Streamable HTTP has
    /// a connection of its own.
    fn doubt(&self) -> Option<&Arc<Notify>> {
        match self {
            Self::Sse(connection) => Some(connection.doubt()),
            Self::Stdio(_) | Self::Http(_) => None,
        }
    }

    pub(crate) fn ended(&self) -> Option<LinkError> {
        match self.speech() {
            Speech::Duplex(conversation) => conversation.ended(),
            Speech::Http(connection) => connection.ended(),
        }
    }

    fn is_gone(&self) -> bool {
        match self {
            Self::Stdio(connection) => connection.is_gone(),
            Self::Http(_) | Self::Sse(_) => self.ended().is_some(),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Stdio(connection) => connection.close().await,
            Self::Http(connection) => connection.close().await,
            Self::Sse(connection) => connection.close().await,
        }
    }
}

impl Link {
    pub(crate) fn new(era: Era, owned: bool, hello: Hello, wire: Wire, redactor: Arc<Redactor>) -> Self {
        let server_meta = hello.server_info.as_ref().map(server_meta);
        let hearing = match (era, &wire) {
            (Era::Legacy, Wire::Stdio(_) | Wire::Sse(_)) => Hearing::as_it_is(),
            _ => {
                let mut all = ListKind::ALL.into_iter();
                let announces = |(_, capability, _): (_, &str, _)| hello.has_flag(capability, "listChanged");
                Hearing::by_stream(all.any(announces))
            }
        };
        Self {
            era,
            owned,
            server_meta,
            tasks: hello.has_tasks(era),
            hello,
            level: AtomicU8::new(u8::MAX),
            heard: AtomicBool::new(false),
            hearing: Arc::new(hearing),
            redactor,
            wire,
        }
    }

    /// The era of this connection.
    #[must_use]
    pub fn era(&self) -> Era {
        self.era
    }

    /// Whether it belongs to one session.
    #[must_use]
    pub fn owned(&self) -> bool {
        self.owned
    }

    /// What the backend said of itself.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Whether the backend has tasks on this connection.
    #[must_use]
    pub fn has_tasks(&self) -> bool {
        self.tasks
    }

    /// `_meta` with the `serverInfo` that the backend gave, as results of 2026-07-28 have it.
    #[must_use]
    pub fn server_meta(&self) -> Option<&Raw> {
        self.server_meta.as_ref()
    }

    /// Notes the log level that a session wants (0 is the most talkative), and says whether the backend has to be told:
    /// on a session's own link when it differs, on a shared one when it is more talkative than all before.
    pub fn level_changes(&self, wanted: u8) -> bool {
        let before = if self.owned {
            self.level.swap(wanted, Ordering::AcqRel)
        } else {
            self.level.fetch_min(wanted, Ordering::AcqRel)
        };
        if self.owned { before != wanted } else { wanted < before }
    }

    /// Opens the stream on which a legacy backend speaks outside calls; only Streamable HTTP does not have it anyway.
    pub(crate) fn open_feed(&self) {
        if let Wire::Http(connection) = &self.wire {
            connection.open_feed(Arc::clone(&self.hearing));
        }
    }

    /// Whether changes of its lists are heard of.
    pub(crate) fn hearing(&self) -> &Arc<Hearing> {
        &self.hearing
    }

    /// Sends a request. `limit` bounds the backend's silence; `None` is for what stays open, such as a listener.
    #[must_use]
    pub fn call(&self, request: Outgoing, limit: Option<Duration>) -> Exchange {
        Exchange::new(limit, self.wire.call(request)).doubting(self.wire.doubt())
    }

    /// Sends a request of the gateway itself and waits for its result.
    ///
    /// # Errors
    /// When the backend refuses, breaks or does not answer within `limit`.
    pub async fn ask(&self, method: &'static str, params: Option<Raw>, limit: Duration) -> Result<Raw, LinkError> {
        match self.call(Outgoing::own(method, params), Some(limit)).outcome().await? {
            Answer::Result(result) => Ok(result),
            Answer::Error(error) => Err(self.refused(method, error)),
        }
    }

    /// The backend's refusal of a request of the gateway itself, without configured secrets.
    #[must_use]
    pub fn refused(&self, method: &'static str, error: Raw) -> LinkError {
        LinkError::Refused { method, error }.cleaned(&self.redactor)
    }

    /// Whether calls of clients, which have `limit`, are with a backend that may do one thing at a time. When nothing was
    /// answered for that long, it hangs.
    pub(crate) fn is_busy(&self, limit: Duration) -> bool {
        match self.wire.speech() {
            Speech::Duplex(conversation) => conversation.is_busy(limit),
            Speech::Http(_) => false,
        }
    }

    /// The connection leads nowhere: calls on it fail with the cause, and nobody gets it for another one.
    pub(crate) fn end(&self, cause: LinkError) {
        match self.wire.speech() {
            Speech::Duplex(conversation) => conversation.end(cause),
            Speech::Http(connection) => connection.end(cause),
        }
    }

    /// Whether it ever answered the question whether it is there.
    pub(crate) fn was_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// What a backend of this era is asked to find out whether it is there.
    pub(crate) fn question(&self) -> &'static str {
        match self.era {
            Era::Legacy => method::PING,
            Era::Modern => method::DISCOVER,
        }
    }

    /// Asks whether the backend is there.
    pub(crate) async fn probe(&self, limit: Duration) -> Result<(), LinkError> {
        let answered = self.ask(self.question(), None, limit).await.map(drop);
        if matches!(answered, Ok(()) | Err(LinkError::Refused { .. })) {
            self.heard.store(true, Ordering::Relaxed);
        }
        answered
    }

    /// Everything the backend lists on this connection; `limit` holds per page.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn lists(&self, limit: Duration) -> Result<Lists, LinkError> {
        listing::read(self, limit).await
    }

    /// The tools that the backend lists. `limit` holds per page.
    ///
    /// # Errors
    /// When the connection fails, or the backend refuses the list.
    pub async fn tools(&self, limit: Duration) -> Result<Vec<Raw>, LinkError> {
        listing::tools(self, limit).await
    }

    /// Sends a notification; it may be lost when the connection breaks, as every notification may.
    pub fn notify(&self, method: &str, params: Option<&Raw>) {
        match self.wire.speech() {
            Speech::Duplex(conversation) => conversation.notify(method, params),
            Speech::Http(connection) => connection.notify(method, params),
        }
    }

    /// Sends a notification and waits until it is on its way, over HTTP until it was taken.
    pub(crate) async fn notify_now(&self, method: &'static str, limit: Duration) -> Result<(), LinkError> {
        match self.wire.speech() {
            Speech::Duplex(conversation) => {
                conversation.notify(method, None);
                Ok(())
            }
            Speech::Http(connection) => match tokio::time::timeout(limit, connection.notify_now(method, None)).await {
                Ok(taken) => taken,
                Err(_) => Err(LinkError::Timeout {
                    what: method,
                    after: limit,
                }),
            },
        }
    }

    /// Why the connection is of no more use; `None` while it lives.
    #[must_use]
    pub fn ended(&self) -> Option<LinkError> {
        self.wire.ended()
    }

    /// Whether nothing is left of it: a process may live on when its connection is of no more use.
    pub(crate) fn is_gone(&self) -> bool {
        self.wire.is_gone()
    }

    /// Waits until the connection is of no more use.
    pub async fn wait_ended(&self) -> LinkError {
        match self.wire.speech() {
            Speech::Duplex(conversation) => conversation.wait_ended().await,
            Speech::Http(connection) => connection.wait_ended().await,
        }
    }

    /// The last lines the process wrote on stderr, oldest first; none where the gateway started no process.
    #[must_use]
    pub fn stderr(&self) -> Vec<String> {
        match &self.wire {
            Wire::Stdio(connection) => connection.stderr(),
            Wire::Sse(connection) => connection.stderr(),
            Wire::Http(_) => Vec::new(),
        }
    }

    /// Ends the connection: a process is stopped, a session deleted. Bounded in time.
    pub async fn close(&self) {
        self.wire.close().await;
    }
}

fn server_meta(info: &Raw) -> Raw {
    let empty = Raw::empty_object();
    match Object::parse(&empty) {
        Ok(object) => object.edit().set(meta::SERVER_INFO, info.clone()).finish(),
        Err(_) => empty,
    }
}

/// The events of a call.
pub(crate) type Events = std::pin::Pin<Box<dyn futures::Stream<Item = crate::Event> + Send>>;

/// The events of a call that fails before anything is sent.
pub(crate) fn failed(cause: LinkError) -> Events {
    Box::pin(futures::stream::iter([crate::Event::Outcome(Err(cause))]))
}
