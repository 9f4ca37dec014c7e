//! Making a link: start or reach the backend, then shake hands in one era.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, Guard};
use argus_config::{Auth, Backend, Remote, Sse, Transport};
use argus_protocol::{Answer, ByteString, Era, Raw, code, method};
use argus_runtime::StopTimes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::duplex::Server;
use crate::greeting::{initialize_params, legacy_hello, modern_hello};
use crate::link::Wire;
use crate::logs::Log;
use crate::processes::Processes;
use crate::redact::Redactor;
use crate::succession::Succession;
use crate::{
    Context, Declared, FeedSink, Hello, HttpClient, Link, LinkError, Outgoing, Tally, http as streamable, process, sse,
    stdio,
};

/// Makes links to one backend.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) context: Arc<Context>,
    /// The newest definition; all have the same way to the backend.
    definition: Arc<ArcSwap<Backend>>,
    pub(crate) name: Arc<str>,
    redactor: Arc<Redactor>,
    /// What its processes write for people.
    log: Arc<Log>,
    /// What is counted of it.
    tally: Arc<Tally>,
    /// Plain connections of this backend's own.
    http: HttpClient,
    /// The process behind the url, if the gateway starts it.
    local: Option<Arc<sse::LocalProcess>>,
    /// When processes may be started.
    pub(crate) succession: Succession,
    /// Those that there are now.
    pub(crate) processes: Processes,
    /// Whether a url that is configured as Streamable HTTP was found to speak HTTP+SSE only.
    only_sse: Arc<AtomicBool>,
}

impl Connector {
    pub(crate) fn new(
        context: Arc<Context>,
        definition: Arc<Backend>,
        succession: Succession,
        tally: Arc<Tally>,
    ) -> Self {
        let name: Arc<str> = definition.name.as_str().into();
        let log = context.logs.of(&name);
        let processes = Processes::default();
        let local = sse::LocalProcess::of(&definition, &name, &context.guard, &log, (&processes, &tally));
        Self {
            http: context.http.for_backend(tally.volume()),
            redactor: Arc::new(Redactor::new(&definition)),
            context,
            definition: Arc::new(ArcSwap::new(definition)),
            log,
            name,
            tally,
            local: local.map(Arc::new),
            succession,
            processes,
            only_sse: Arc::default(),
        }
    }

    /// The backend as it is configured now.
    pub(crate) fn definition(&self) -> Guard<Arc<Backend>> {
        self.definition.load()
    }

    /// Another definition with the same way to the backend.
    pub(crate) fn redefine(&self, definition: Arc<Backend>) {
        self.definition.store(definition);
    }

    /// An error for people, without configured secrets.
    pub(crate) fn told(&self, error: &LinkError) -> String {
        self.redactor.clean(&error.to_string()).into_owned()
    }

    /// Whether the gateway starts the process behind the url.
    pub(crate) fn has_local(&self) -> bool {
        self.local.is_some()
    }

    /// Stops what was started for all connections, bounded in time.
    pub(crate) async fn stop(&self) {
        if let Some(local) = &self.local {
            local.stop().await;
        }
    }

    /// Whether the url is spoken to over HTTP+SSE.
    pub(crate) fn speaks_sse(&self) -> bool {
        match self.definition().transport {
            Transport::Sse(_) => true,
            Transport::Stdio(_) | Transport::StreamableHttp(_) => self.only_sse.load(Ordering::Relaxed),
        }
    }

    /// Whether a connection carries the messages of all calls together, so that a question does not say whose call it
    /// belongs to.
    pub(crate) fn is_duplex(&self) -> bool {
        match self.definition().transport {
            Transport::Stdio(_) | Transport::Sse(_) => true,
            Transport::StreamableHttp(_) => self.only_sse.load(Ordering::Relaxed),
        }
    }

    /// The same error without configured secrets: clients may see it.
    pub(crate) fn cleaned(&self, error: LinkError) -> LinkError {
        error.cleaned(&self.redactor)
    }

    /// A legacy link that declares what `declared` says. `owned`: whether it belongs to one session.
    pub(crate) async fn legacy(
        self,
        declared: Declared,
        owned: bool,
        sink: Arc<dyn FeedSink>,
    ) -> Result<Link, LinkError> {
        let made = self.make_legacy(declared, owned, sink).await;
        made.map_err(|error| self.cleaned(error))
    }

    async fn make_legacy(&self, declared: Declared, owned: bool, sink: Arc<dyn FeedSink>) -> Result<Link, LinkError> {
        let (wire, hello) = match self.greet(&declared, owned, &sink).await {
            Err(error) if self.may_be_only_sse(&error) => self.greet_over_sse(&declared, owned, &sink, error).await?,
            greeted => greeted?,
        };
        match &wire {
            Wire::Stdio(_) => {}
            Wire::Http(connection) => connection.agreed(&hello.version),
            Wire::Sse(connection) => connection.agreed(&hello.version),
        }
        let link = Link::new(Era::Legacy, owned, hello, wire, Arc::clone(&self.redactor));
        // Taken before anything else is asked: a server may refuse requests until then.
        let limit = self.definition().timeouts.init;
        link.notify_now(method::INITIALIZED, limit).await?;
        link.open_feed();
        Ok(link)
    }

    /// Opens a connection and shakes hands in the legacy era.
    async fn greet(
        &self,
        declared: &Declared,
        owned: bool,
        sink: &Arc<dyn FeedSink>,
    ) -> Result<(Wire, Hello), LinkError> {
        let wire = self.open(Era::Legacy, owned, Arc::clone(sink)).await?;
        let request = Outgoing {
            augmented: false,
            method: ByteString::from_static(method::INITIALIZE),
            params: Some(initialize_params(declared)),
            name: None,
            param_headers: Vec::new(),
            declared: None,
            log_level: None,
            own: true,
        };
        let greeted = self.handshake(&wire, request, method::INITIALIZE).await;
        match greeted.and_then(|raw| legacy_hello(&raw)) {
            Ok(hello) => Ok((wire, hello)),
            Err(error) => Err(self.give_up(wire, error).await),
        }
    }

    /// Whether a url that refuses `initialize` like this may speak HTTP+SSE only (MCP 2025-11-25 "Backwards
    /// compatibility").
    fn may_be_only_sse(&self, error: &LinkError) -> bool {
        let LinkError::Status { status, .. } = error else {
            return false;
        };
        !self.is_duplex()
            && matches!(
                *status,
                StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
            )
    }

    /// Shakes hands over HTTP+SSE with a url that does not speak Streamable HTTP; `refused` is how it said so, and the
    /// error if it does not speak HTTP+SSE either.
    async fn greet_over_sse(
        &self,
        declared: &Declared,
        owned: bool,
        sink: &Arc<dyn FeedSink>,
        refused: LinkError,
    ) -> Result<(Wire, Hello), LinkError> {
        let first = !self.only_sse.swap(true, Ordering::Relaxed);
        let greeted = self.greet(declared, owned, sink).await;
        if greeted.is_ok() && first {
            tracing::warn!(
                backend = %self.name,
                "the url speaks only HTTP+SSE, the transport of 2024-11-05; write `type: sse` to be connected sooner",
            );
        }
        greeted.map_err(|_| refused)
    }

    /// A modern link.
    pub(crate) async fn modern(self, sink: Arc<dyn FeedSink>) -> Result<Link, LinkError> {
        let made = self.make_modern(sink).await;
        made.map_err(|error| self.cleaned(error))
    }

    async fn make_modern(&self, sink: Arc<dyn FeedSink>) -> Result<Link, LinkError> {
        let wire = self.open(Era::Modern, false, sink).await?;
        let request = Outgoing::own(method::DISCOVER, None);
        match self
            .handshake(&wire, request, method::DISCOVER)
            .await
            .and_then(|raw| modern_hello(&raw))
        {
            Ok(hello) => Ok(Link::new(Era::Modern, false, hello, wire, Arc::clone(&self.redactor))),
            Err(error) => Err(self.give_up(wire, error).await),
        }
    }

    /// Whether a URL speaks the modern era; `Ok(None)` where only a connection can tell.
    pub(crate) async fn probe(&self) -> Result<Option<streamable::Probe>, LinkError> {
        let definition = Guard::into_inner(self.definition());
        match &definition.transport {
            Transport::Stdio(_) | Transport::Sse(_) => Ok(None),
            Transport::StreamableHttp(remote) => {
                let limit = self.definition().timeouts.init;
                let endpoint = endpoint(&self.http, remote);
                match tokio::time::timeout(limit, streamable::probe(&endpoint)).await {
                    Ok(found) => found.map(Some).map_err(|error| self.cleaned(error)),
                    Err(_) => Err(LinkError::Timeout {
                        what: method::DISCOVER,
                        after: limit,
                    }),
                }
            }
        }
    }

    async fn open(&self, era: Era, owned: bool, sink: Arc<dyn FeedSink>) -> Result<Wire, LinkError> {
        let definition = Guard::into_inner(self.definition());
        match &definition.transport {
            Transport::Stdio(process) => {
                self.succession.begin().await;
                let spec = process::spec(process, &self.context.guard, StopTimes::default());
                let server = self.server(era, owned, sink);
                let opened = stdio::Connection::open(&spec, server, &self.processes, self.tally.volume()).await?;
                self.tally.started();
                Ok(Wire::Stdio(opened))
            }
            Transport::StreamableHttp(remote) if !self.is_duplex() => {
                let endpoint = endpoint(&self.http, remote);
                Ok(Wire::Http(streamable::Connection::new(
                    Arc::clone(&self.name),
                    era,
                    endpoint,
                    sink,
                )))
            }
            Transport::StreamableHttp(remote) => {
                let opened = self.open_sse(remote, self.server(era, owned, sink)).await;
                if matches!(
                    opened,
                    Err(LinkError::Status { .. } | LinkError::Protocol(_) | LinkError::ForeignEndpoint { .. })
                ) {
                    // It may speak something else by now.
                    self.only_sse.store(false, Ordering::Relaxed);
                }
                opened
            }
            Transport::Sse(Sse { remote, .. }) => self.open_sse(remote, self.server(era, owned, sink)).await,
        }
    }

    async fn open_sse(&self, remote: &Remote, server: Server) -> Result<Wire, LinkError> {
        let process = match &self.local {
            Some(local) => {
                self.succession.begin().await;
                Some(local.running().await?)
            }
            None => None,
        };
        // A probe may break the connections that it uses at an old server, and no others.
        let endpoint = endpoint(&self.http, remote).apart();
        let limit = self.definition().timeouts.init;
        sse::Connection::open(endpoint, server, process, limit)
            .await
            .map(Wire::Sse)
    }

    fn server(&self, era: Era, owned: bool, sink: Arc<dyn FeedSink>) -> Server {
        Server {
            backend: Arc::clone(&self.name),
            era,
            owned,
            process: None,
            log: Arc::clone(&self.log),
            redactor: Redactor::new(&self.definition()),
            sink,
        }
    }

    async fn handshake(&self, wire: &Wire, request: Outgoing, what: &'static str) -> Result<Raw, LinkError> {
        let after = self.definition().timeouts.init;
        let began = match wire {
            Wire::Sse(connection) => connection.began(),
            Wire::Stdio(_) | Wire::Http(_) => Instant::now(),
        };
        let answered = tokio::time::timeout_at(began + after, first_outcome(wire, request)).await;
        match answered {
            Ok(Ok(Answer::Result(result))) => Ok(result),
            Ok(Ok(Answer::Error(error))) => Err(LinkError::Refused { method: what, error }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(LinkError::Timeout { what, after }),
        }
    }

    /// Ends a connection that came to nothing; an ended process knows better why.
    async fn give_up(&self, wire: Wire, error: LinkError) -> LinkError {
        let cause = wire.ended().unwrap_or(error);
        // Stopping a process takes its time; nobody needs to wait for it.
        tokio::spawn(async move { wire.close().await });
        cause
    }
}

async fn first_outcome(wire: &Wire, request: Outgoing) -> crate::Outcome {
    crate::Exchange::new(None, wire.call(request)).outcome().await
}

/// Whether an error says that the backend does not speak the legacy era (MCP 2026-07-28 "Backward compatibility"). Any
/// other refusal may be about a setting that is missing.
pub(crate) fn refuses_legacy(error: &LinkError) -> bool {
    matches!(
        error.refusal_code(),
        Some(code::METHOD_NOT_FOUND | code::UNSUPPORTED_VERSION)
    )
}

fn endpoint(http: &HttpClient, remote: &Remote) -> streamable::Endpoint {
    let mut headers = HeaderMap::new();
    let credentials = remote.auth.iter().flat_map(|Auth::Static { headers }| headers);
    for (name, value) in remote.headers.iter().chain(credentials) {
        insert_secret(&mut headers, name, value);
    }
    streamable::Endpoint::new(http.clone(), remote.url.clone(), headers)
}

fn insert_secret(headers: &mut HeaderMap, name: &str, value: &SecretString) {
    // The configuration has checked both.
    if let (Ok(name), Ok(mut value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.expose_secret())) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}
