//! Making a link: start or reach the backend, then shake hands in one era.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use argus_config::{Auth, Backend, Remote, Sse, Transport};
use argus_protocol::{Answer, ByteString, Era, Object, Raw, code, meta, method, version};
use argus_runtime::{GuardProgram, StopTimes};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use crate::duplex::Server;
use crate::link::Wire;
use crate::redact::Redactor;
use crate::{
    Declared, FeedSink, Hello, Hint, HttpClient, Link, LinkError, Outgoing, Remembered, Verdicts, http as streamable,
    process, sse, stdio,
};

/// What all backends share.
#[derive(Debug, Clone)]
pub struct Context {
    /// The pooled HTTP client.
    pub http: HttpClient,
    /// The program that guards child processes.
    pub guard: GuardProgram,
    /// Where the eras of backends are remembered.
    pub verdicts: Verdicts,
    /// How long what a backend that is away listed is still shown; `None`: for ever.
    pub grace: Option<Duration>,
    /// Where their lists are remembered.
    pub remembered: Remembered,
}

/// How the gateway introduces itself: an `Implementation` object.
#[must_use]
pub fn own_info() -> Raw {
    let info = serde_json::json!({
        "name": "argus-mcp",
        "title": "Argus MCP",
        "version": env!("CARGO_PKG_VERSION"),
    });
    Raw::from_value(&info)
}

/// Makes links to one backend.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) context: Arc<Context>,
    pub(crate) definition: Arc<Backend>,
    pub(crate) name: Arc<str>,
    redactor: Arc<Redactor>,
    /// Plain connections of this backend's own.
    http: HttpClient,
    /// The process behind the url, if the gateway starts it.
    local: Option<Arc<sse::LocalProcess>>,
    /// Whether a url that is configured as Streamable HTTP was found to speak HTTP+SSE only.
    only_sse: Arc<AtomicBool>,
}

impl Connector {
    pub(crate) fn new(context: Arc<Context>, definition: Arc<Backend>) -> Self {
        let name: Arc<str> = definition.name.as_str().into();
        let local = sse::LocalProcess::of(&definition, &name, &context.guard);
        Self {
            http: context.http.for_backend(),
            redactor: Arc::new(Redactor::new(&definition)),
            context,
            definition,
            name,
            local: local.map(Arc::new),
            only_sse: Arc::default(),
        }
    }

    /// An error for people, without configured secrets.
    pub(crate) fn told(&self, error: &LinkError) -> String {
        self.redactor.clean(&error.to_string()).into_owned()
    }

    /// Stops what was started for all connections, bounded in time.
    pub(crate) async fn stop(&self) {
        if let Some(local) = &self.local {
            local.stop().await;
        }
    }

    /// Whether a connection carries the messages of all calls together, so that a question does not say whose call it
    /// belongs to.
    pub(crate) fn is_duplex(&self) -> bool {
        match self.definition.transport {
            Transport::Stdio(_) | Transport::Sse(_) => true,
            Transport::StreamableHttp(_) => self.only_sse.load(Ordering::Relaxed),
        }
    }

    /// A legacy link that declares what `declared` says. `owned`: whether it belongs to one session.
    pub(crate) async fn legacy(
        self,
        declared: Declared,
        owned: bool,
        sink: Arc<dyn FeedSink>,
    ) -> Result<Link, LinkError> {
        let (wire, hello) = match self.greet(&declared, owned, &sink).await {
            Err(error) if self.may_be_only_sse(&error) => self.greet_over_sse(&declared, owned, &sink, error).await?,
            greeted => greeted?,
        };
        match &wire {
            Wire::Stdio(_) => {}
            Wire::Http(connection) => connection.agreed(&hello.version),
            Wire::Sse(connection) => connection.agreed(&hello.version),
        }
        let link = Link::new(Era::Legacy, owned, hello, wire);
        // Taken before anything else is asked: a server may refuse requests until then.
        link.notify_now(method::INITIALIZED, self.definition.timeouts.init)
            .await?;
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
        let wire = self.open(Era::Modern, false, sink).await?;
        let request = Outgoing::own(method::DISCOVER, None);
        match self
            .handshake(&wire, request, method::DISCOVER)
            .await
            .and_then(|raw| modern_hello(&raw))
        {
            Ok(hello) => Ok(Link::new(Era::Modern, false, hello, wire)),
            Err(error) => Err(self.give_up(wire, error).await),
        }
    }

    /// Whether a URL speaks the modern era; `Ok(None)` where only a connection can tell.
    pub(crate) async fn probe(&self) -> Result<Option<streamable::Probe>, LinkError> {
        match &self.definition.transport {
            Transport::Stdio(_) | Transport::Sse(_) => Ok(None),
            Transport::StreamableHttp(remote) => {
                let limit = self.definition.timeouts.init;
                let endpoint = endpoint(&self.http, remote);
                match tokio::time::timeout(limit, streamable::probe(&endpoint)).await {
                    Ok(found) => found.map(Some),
                    Err(_) => Err(LinkError::Timeout {
                        what: method::DISCOVER,
                        after: limit,
                    }),
                }
            }
        }
    }

    async fn open(&self, era: Era, owned: bool, sink: Arc<dyn FeedSink>) -> Result<Wire, LinkError> {
        match &self.definition.transport {
            Transport::Stdio(process) => {
                let spec = process::spec(process, &self.context.guard, StopTimes::default());
                let server = self.server(era, owned, sink);
                stdio::Connection::open(&spec, server).await.map(Wire::Stdio)
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
            Some(local) => Some(local.running().await?),
            None => None,
        };
        // A probe may break the connections that it uses at an old server, and no others.
        let endpoint = endpoint(&self.http, remote).apart();
        sse::Connection::open(endpoint, server, process, self.definition.timeouts.init)
            .await
            .map(Wire::Sse)
    }

    fn server(&self, era: Era, owned: bool, sink: Arc<dyn FeedSink>) -> Server {
        Server {
            backend: Arc::clone(&self.name),
            era,
            owned,
            redactor: Redactor::new(&self.definition),
            sink,
        }
    }

    async fn handshake(&self, wire: &Wire, request: Outgoing, what: &'static str) -> Result<Raw, LinkError> {
        let after = self.definition.timeouts.init;
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

fn initialize_params(declared: &Declared) -> Raw {
    let base = serde_json::json!({ "protocolVersion": version::NEWEST_LEGACY });
    let base = Raw::from_value(&base);
    let Ok(base) = Object::parse(&base) else {
        return Raw::empty_object();
    };
    base.edit()
        .set("capabilities", declared.capabilities.clone())
        .set("clientInfo", declared.client_info.clone().unwrap_or_else(own_info))
        .finish()
}

fn legacy_hello(result: &Raw) -> Result<Hello, LinkError> {
    let read = object(result, method::INITIALIZE)?;
    let version = read
        .get_str("protocolVersion")
        .ok_or_else(|| LinkError::Protocol("the answer to `initialize` names no protocolVersion".to_owned()))?;
    Ok(Hello {
        version: version.to_string(),
        capabilities: read.get("capabilities").cloned().unwrap_or_else(Raw::empty_object),
        server_info: read.get("serverInfo").cloned(),
        instructions: read.get_str("instructions").map(|text| text.to_string()),
        hint: None,
    })
}

fn modern_hello(result: &Raw) -> Result<Hello, LinkError> {
    let read = object(result, method::DISCOVER)?;
    let versions: Vec<String> = read
        .get("supportedVersions")
        .and_then(|raw| raw.read().ok())
        .unwrap_or_default();
    if !versions.iter().any(|known| known == version::MODERN) {
        return Err(LinkError::Era(version::MODERN));
    }
    Ok(Hello {
        version: version::MODERN.to_owned(),
        capabilities: read.get("capabilities").cloned().unwrap_or_else(Raw::empty_object),
        server_info: read
            .get_object("_meta")
            .and_then(|meta| meta.get(meta::SERVER_INFO).cloned()),
        instructions: read.get_str("instructions").map(|text| text.to_string()),
        hint: Some(Hint::of(&read)),
    })
}

fn object(result: &Raw, method: &str) -> Result<Object, LinkError> {
    Object::parse(result)
        .map_err(|error| LinkError::Protocol(format!("the answer to `{method}` is malformed: {error}")))
}
