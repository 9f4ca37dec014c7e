//! Making a link: start or reach the backend, then shake hands in one era.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use argus_config::{Auth, Backend, StreamableHttp, Transport};
use argus_protocol::{Answer, ByteString, Era, Object, Raw, code, meta, method, version};
use argus_runtime::{GuardProgram, Spec, StopTimes};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::link::Wire;
use crate::redact::Redactor;
use crate::{
    Declared, FeedSink, Hello, HttpClient, Link, LinkError, Outgoing, Remembered, Verdicts, http as streamable, stdio,
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
    /// How long what a backend that is away listed is still shown.
    pub grace: Duration,
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
}

impl Connector {
    /// A legacy link that declares what `declared` says. `owned`: whether it belongs to one session.
    pub(crate) async fn legacy(
        self,
        declared: Declared,
        owned: bool,
        sink: Arc<dyn FeedSink>,
    ) -> Result<Link, LinkError> {
        let wire = self.open(Era::Legacy, owned, sink).await?;
        let request = Outgoing {
            method: ByteString::from_static(method::INITIALIZE),
            params: Some(initialize_params(&declared)),
            name: None,
            param_headers: Vec::new(),
            declared: None,
        };
        let hello = match self
            .handshake(&wire, request, method::INITIALIZE)
            .await
            .and_then(|raw| legacy_hello(&raw))
        {
            Ok(hello) => hello,
            Err(error) => return Err(self.give_up(wire, error).await),
        };
        if let Wire::Http(connection) = &wire {
            connection.agreed(&hello.version);
        }
        let link = Link::new(Era::Legacy, owned, hello, wire);
        // Taken before anything else is asked: a server may refuse requests until then.
        link.notify_now(method::INITIALIZED, self.definition.timeouts.init)
            .await?;
        link.open_feed();
        Ok(link)
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

    /// Whether a URL speaks the modern era; `Ok(None)` for a process, which only a connection can tell.
    pub(crate) async fn probe(&self) -> Result<Option<streamable::Probe>, LinkError> {
        match &self.definition.transport {
            Transport::Stdio(_) => Ok(None),
            Transport::StreamableHttp(http) => {
                let limit = self.definition.timeouts.init;
                let endpoint = endpoint(&self.context, http);
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
                let spec = spec(process, &self.context.guard);
                let server = stdio::Server {
                    backend: Arc::clone(&self.name),
                    era,
                    owned,
                    redactor: Redactor::new(&self.definition),
                    sink,
                };
                stdio::Connection::open(&spec, server).await.map(Wire::Stdio)
            }
            Transport::StreamableHttp(http) => {
                let endpoint = endpoint(&self.context, http);
                Ok(Wire::Http(streamable::Connection::new(
                    Arc::clone(&self.name),
                    era,
                    endpoint,
                    sink,
                )))
            }
        }
    }

    async fn handshake(&self, wire: &Wire, request: Outgoing, what: &'static str) -> Result<Raw, LinkError> {
        let after = self.definition.timeouts.init;
        let answered = tokio::time::timeout(after, first_outcome(wire, request)).await;
        match answered {
            Ok(Ok(Answer::Result(result))) => Ok(result),
            Ok(Ok(Answer::Error(error))) => Err(LinkError::Refused { method: what, error }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(LinkError::Timeout { what, after }),
        }
    }

    /// Ends a connection that came to nothing; an ended process knows better why.
    async fn give_up(&self, wire: Wire, error: LinkError) -> LinkError {
        let cause = match &wire {
            Wire::Stdio(connection) => connection.ended().unwrap_or(error),
            Wire::Http(connection) => connection.ended().unwrap_or(error),
        };
        // Stopping a process takes its time; nobody needs to wait for it.
        tokio::spawn(async move {
            match wire {
                Wire::Stdio(connection) => connection.close().await,
                Wire::Http(connection) => connection.close().await,
            }
        });
        cause
    }
}

async fn first_outcome(wire: &Wire, request: Outgoing) -> crate::Outcome {
    let source = match wire {
        Wire::Stdio(connection) => connection.call(request),
        Wire::Http(connection) => connection.call(request),
    };
    crate::Exchange::new(None, source).outcome().await
}

/// Whether an error says that the backend does not speak the legacy era (MCP 2026-07-28 "Backward compatibility"). Any
/// other refusal may be about a setting that is missing.
pub(crate) fn refuses_legacy(error: &LinkError) -> bool {
    matches!(
        error.refusal_code(),
        Some(code::METHOD_NOT_FOUND | code::UNSUPPORTED_VERSION)
    )
}

fn spec(process: &argus_config::Stdio, guard: &GuardProgram) -> Spec {
    let env = process
        .env
        .iter()
        .map(|(name, value)| (name.into(), OsString::from(value.expose_secret())));
    Spec {
        program: (&process.command).into(),
        args: process.args.iter().map(Into::into).collect(),
        env: env.collect(),
        cwd: process.cwd.clone(),
        guard: guard.clone(),
        stop: StopTimes::default(),
    }
}

fn endpoint(context: &Context, http: &StreamableHttp) -> streamable::Endpoint {
    let mut headers = HeaderMap::new();
    let credentials = http.auth.iter().flat_map(|Auth::Static { headers }| headers);
    for (name, value) in http.headers.iter().chain(credentials) {
        insert_secret(&mut headers, name, value);
    }
    streamable::Endpoint::new(context.http.clone(), http.url.clone(), headers)
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
    })
}

fn object(result: &Raw, method: &str) -> Result<Object, LinkError> {
    Object::parse(result)
        .map_err(|error| LinkError::Protocol(format!("the answer to `{method}` is malformed: {error}")))
}
