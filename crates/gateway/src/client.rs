//! Who is asking, and what that means for the way to a backend.

use std::fmt;
use std::sync::{Arc, Weak};

use argus_protocol::{ByteString, Era, Id, Level, Object, Raw, RpcError, Sought, code, meta, method, version};
use argus_upstream::{Ask, Borrower, CallLink, Declared, Link, LinkError, Upstream};
use http::{HeaderName, HeaderValue};
use tokio_util::sync::CancellationToken;

use crate::core::Core;
use crate::feeds::SessionFeed;
use crate::ops::forward::Forward;
use crate::renew;
use crate::session::{Caller, Session};

/// What a client declares and says of itself may have so many bytes, where a link is kept for it.
const MAX_BORROWER: usize = 8 * 1024;

static VERSION: Sought = Sought::new(meta::PROTOCOL_VERSION);

/// A request of a modern client. It stands alone.
pub struct ModernRequest {
    /// Its id.
    pub id: Id,
    /// The method.
    pub method: ByteString,
    /// The parameters, `_meta` included.
    pub params: Option<Raw>,
    /// The members of the parameters.
    pub members: Object,
    /// What `_meta` says.
    pub meta: RequestMeta,
    /// `Mcp-Param-*`, as received; `None` where the request came without headers, so that the gateway makes them.
    pub param_headers: Option<Vec<(HeaderName, HeaderValue)>>,
    /// Who sends it.
    pub caller: Caller,
    /// Cancelled when the connection that it came on is over; none where requests belong to no connection.
    pub connection: Option<CancellationToken>,
}

/// Headers may hold what is nobody else's business: only their names are shown.
impl fmt::Debug for ModernRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.param_headers.iter().flatten();
        let headers: Vec<&HeaderName> = given.map(|(name, _)| name).collect();
        f.debug_struct("ModernRequest")
            .field("id", &self.id)
            .field("method", &self.method)
            .field("params", &self.params)
            .field("param_headers", &headers)
            .finish_non_exhaustive()
    }
}

/// The parameters of a request that names a protocol version, looked into once.
#[derive(Debug)]
pub struct ModernParams {
    params: Object,
    meta: Object,
    version: ByteString,
}

impl ModernParams {
    /// Looks into the parameters; `None` where `_meta` names no version.
    #[must_use]
    pub fn of(params: Option<&Raw>) -> Option<Self> {
        let params = Object::parse(params.filter(|raw| raw.may_have(&VERSION))?).ok()?;
        let meta = params.get_object("_meta")?;
        let version = meta.get_str(meta::PROTOCOL_VERSION)?;
        Some(Self { params, meta, version })
    }

    /// The version that `_meta` names.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The members of the parameters.
    #[must_use]
    pub fn into_members(self) -> Object {
        self.params
    }

    /// A member of the parameters that is a string.
    #[must_use]
    pub fn text(&self, member: &str) -> Option<ByteString> {
        self.params.get_str(member)
    }
}

/// What the `_meta` of a modern request says of the client (MCP 2026-07-28 "Request metadata").
#[derive(Debug, Clone)]
pub struct RequestMeta {
    /// `clientCapabilities`.
    pub capabilities: Raw,
    /// `clientInfo`.
    pub client_info: Option<Raw>,
    /// The least severe log level the client wants to hear; without one it must hear none.
    pub log_level: Option<Level>,
}

impl RequestMeta {
    /// Checks `_meta`. `spoken`: what is named where another version is asked for.
    ///
    /// # Errors
    /// [`code::INVALID_PARAMS`] when something is malformed, [`code::UNSUPPORTED_VERSION`] when the version is not the
    /// modern one.
    pub fn of(params: &ModernParams, spoken: impl FnOnce() -> &'static [&'static str]) -> Result<Self, RpcError> {
        let meta = &params.meta;
        if params.version() != version::MODERN {
            return Err(unsupported_version(params.version(), spoken()));
        }
        let capabilities = meta
            .get(meta::CLIENT_CAPABILITIES)
            .filter(|raw| raw.as_str().starts_with('{'))
            .ok_or_else(|| malformed(meta::CLIENT_CAPABILITIES, "an object"))?;
        Ok(Self {
            capabilities: capabilities.clone(),
            client_info: meta.get(meta::CLIENT_INFO).cloned(),
            log_level: log_level(meta)?,
        })
    }

    /// Whether the client declared a capability.
    pub(crate) fn offers(&self, capability: &str) -> bool {
        Object::parse(&self.capabilities).is_ok_and(|read| read.get(capability).is_some())
    }

    /// Whether the client declared that its user can be sent to a URL.
    pub(crate) fn opens_urls(&self) -> bool {
        let offered = Object::parse(&self.capabilities).ok();
        let elicitation = offered.and_then(|read| read.get_object("elicitation"));
        elicitation.is_some_and(|read| read.get("url").is_some())
    }

    /// Whether the client declared that its user can fill in forms: so it is where no mode is named (MCP 2026-07-28
    /// "Elicitation").
    pub(crate) fn shows_forms(&self) -> bool {
        let offered = Object::parse(&self.capabilities).ok();
        let elicitation = offered.and_then(|read| read.get_object("elicitation"));
        elicitation.is_some_and(|read| read.get("form").is_some() || read.get("url").is_none())
    }

    /// What is wrong with parameters that [`ModernParams::of`] finds no version in.
    #[must_use]
    pub fn missing(params: Option<&Raw>) -> RpcError {
        let invalid = |message: String| RpcError::new(code::INVALID_PARAMS, message);
        let required = || invalid("params._meta is required".to_owned());
        let Some(params) = params else { return required() };
        let params = match Object::parse(params) {
            Ok(params) => params,
            Err(error) => return invalid(format!("params: {error}")),
        };
        let Some(meta) = params.get("_meta") else {
            return required();
        };
        match Object::parse(meta) {
            Ok(_) => malformed(meta::PROTOCOL_VERSION, "a string"),
            Err(error) => invalid(format!("params._meta: {error}")),
        }
    }
}

fn malformed(key: &str, kind: &str) -> RpcError {
    RpcError::new(code::INVALID_PARAMS, format!("params._meta[\"{key}\"] must be {kind}"))
}

fn log_level(meta: &Object) -> Result<Option<Level>, RpcError> {
    if meta.get(meta::LOG_LEVEL).is_none() {
        return Ok(None);
    }
    let level = meta.get_str(meta::LOG_LEVEL).and_then(|name| Level::parse(&name));
    match level {
        Some(level) => Ok(Some(level)),
        None => Err(malformed(meta::LOG_LEVEL, &format!("one of {}", Level::names()))),
    }
}

/// The error for a version that is not spoken here (MCP 2026-07-28).
#[must_use]
pub fn unsupported_version(requested: &str, spoken: &[&str]) -> RpcError {
    let message = format!("the protocol version {requested} is not spoken here");
    let data = serde_json::json!({ "supported": spoken, "requested": requested });
    RpcError::new(code::UNSUPPORTED_VERSION, message).with_data(data)
}

/// A client as a call sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Client<'a> {
    Legacy(&'a Arc<Session>),
    Modern(&'a Arc<ModernRequest>),
}

impl<'a> From<&'a Arc<Session>> for Client<'a> {
    fn from(session: &'a Arc<Session>) -> Self {
        Self::Legacy(session)
    }
}

impl<'a> From<&'a Arc<ModernRequest>> for Client<'a> {
    fn from(request: &'a Arc<ModernRequest>) -> Self {
        Self::Modern(request)
    }
}

/// A client for as long as its call is under way.
#[derive(Debug, Clone)]
pub(crate) enum KeptClient {
    Legacy(Arc<Session>),
    Modern(Arc<ModernRequest>),
}

impl KeptClient {
    pub(crate) fn client(&self) -> Client<'_> {
        match self {
            Self::Legacy(session) => Client::Legacy(session),
            Self::Modern(request) => Client::Modern(request),
        }
    }

    /// Why a question may not be passed to the client; `None` where it may. A legacy client decides itself about
    /// questions that are not known here; a modern one is asked nothing but what its revision has, and that only for
    /// what it declared (MCP 2026-07-28 "Multi round-trip requests").
    pub(crate) fn refuses(&self, ask: &Ask) -> Option<RpcError> {
        let capability = capability_of(&ask.method);
        let (offers, modern) = match self {
            Self::Legacy(session) => (capability.is_none_or(|wanted| session.declared().offers(wanted)), None),
            Self::Modern(request) => (
                capability.is_some_and(|wanted| request.meta.offers(wanted)),
                Some(request),
            ),
        };
        if !offers {
            let why = "the client that made the call does not offer this";
            return Some(RpcError::new(code::METHOD_NOT_FOUND, why));
        }
        let request = modern.filter(|_| capability == Some("elicitation"))?;
        let (fits, mode) = match is_of_url(ask.params.as_ref()) {
            true => (request.meta.opens_urls(), "url"),
            false => (request.meta.shows_forms(), "form"),
        };
        let why = || format!("the client that made the call does not offer elicitation of the mode {mode}");
        (!fits).then(|| RpcError::new(code::INVALID_PARAMS, why()))
    }

    /// Whether a notification of a call may reach the client. Log messages of the level that the legacy session or the
    /// modern request wants do; a modern request without a level wants none (MCP 2026-07-28 "Logging").
    pub(crate) fn hears(&self, method: &str, params: Option<&Raw>) -> bool {
        match self {
            _ if method != method::LOG => true,
            Self::Legacy(session) => session.wants_log(method, params),
            Self::Modern(request) => request.meta.log_level.is_some_and(|wanted| wanted.covers(params)),
        }
    }
}

impl<'a> Client<'a> {
    /// The members of its request's parameters, where they were looked into already.
    pub(crate) fn members(self) -> Option<&'a Object> {
        match self {
            Self::Modern(request) => Some(&request.members),
            Self::Legacy(_) => None,
        }
    }

    pub(crate) fn era(self) -> Era {
        match self {
            Self::Legacy(_) => Era::Legacy,
            Self::Modern(_) => Era::Modern,
        }
    }

    /// The link on which this client's calls to a backend go: a session's own where the backend gives it one, else a
    /// shared one.
    pub(crate) async fn link(self, core: &Core, upstream: &Arc<Upstream>) -> Result<Arc<Link>, LinkError> {
        match self {
            Self::Modern(_) => upstream.for_modern().await,
            Self::Legacy(session) if upstream.gives_own(session.can_be_asked()) => match session.link_to(upstream) {
                Some(link) => Ok(link),
                None => own_link(core, session, upstream).await,
            },
            Self::Legacy(_) => upstream.for_plain().await,
        }
    }

    /// The link for a call of this method: the one of [`Self::link`], or one for this call alone where the backend may
    /// ask the client something in it.
    pub(crate) async fn link_for(
        self,
        core: &Core,
        upstream: &Arc<Upstream>,
        method: &str,
    ) -> Result<CallLink, LinkError> {
        if let Self::Modern(request) = self {
            if let Some(link) = upstream.modern_if_live() {
                return Ok(link);
            }
            if may_ask(method)
                && let Some(borrower) = request.borrower()
            {
                return Box::pin(upstream.for_asking(borrower)).await;
            }
        }
        self.link(core, upstream).await.map(CallLink::Shared)
    }

    /// What to tell a modern backend on behalf of a legacy client: what it declared in `initialize`.
    pub(crate) fn declared(self) -> Option<Declared> {
        match self {
            Self::Modern(_) => None,
            Self::Legacy(session) => Some(session.introduced().clone()),
        }
    }

    /// The log level to name to a modern backend on behalf of a legacy client: that of `logging/setLevel`. Until then the
    /// server may decide what it sends (MCP 2025-11-25 "Logging"), and those of the SDKs send; a modern backend without a
    /// level must not (MCP 2026-07-28 "Logging"), so the gateway decides: what is not meant for debugging.
    pub(crate) fn log_level(self) -> Option<Level> {
        match self {
            Self::Modern(_) => None,
            Self::Legacy(session) => Some(session.level().unwrap_or(Level::INFO)),
        }
    }

    /// The same client, to be kept.
    pub(crate) fn kept(self) -> KeptClient {
        match self {
            Self::Modern(request) => KeptClient::Modern(Arc::clone(request)),
            Self::Legacy(session) => KeptClient::Legacy(Arc::clone(session)),
        }
    }

    /// `Mcp-Param-*` as its request had them; `None` where it came without headers, or with such as nobody compared with
    /// anything: a legacy client's mean nothing (MCP 2026-07-28 "Server validation").
    pub(crate) fn given_headers(self) -> Option<&'a [(HeaderName, HeaderValue)]> {
        match self {
            Self::Modern(request) => request.param_headers.as_deref(),
            Self::Legacy(_) => None,
        }
    }

    /// `Mcp-Param-*` for a request on a link of this era: the client's own, also those that nobody knows here, or else
    /// made of the arguments (MCP 2026-07-28 "Custom headers from tool parameters").
    pub(crate) fn param_headers(self, link: Era, forward: &Forward) -> Vec<(HeaderName, HeaderValue)> {
        match (self.given_headers(), &forward.mirrored) {
            (Some(given), _) => given.to_vec(),
            (None, Some(mirrored)) if link == Era::Modern => {
                let read = forward.params.as_ref().and_then(|params| Object::parse(params).ok());
                mirrored.make(read.as_ref().and_then(|read| read.get("arguments")))
            }
            (None, _) => Vec::new(),
        }
    }
}

/// The methods in whose course a modern client can be asked something (MCP 2026-07-28 "Multi round-trip requests").
pub(crate) fn may_ask(method: &str) -> bool {
    matches!(
        method,
        method::TOOLS_CALL | method::PROMPTS_GET | method::RESOURCES_READ
    )
}

/// What a client must have declared to be asked this.
fn capability_of(method: &str) -> Option<&'static str> {
    match method {
        method::SAMPLING => Some("sampling"),
        method::ELICITATION => Some("elicitation"),
        method::ROOTS_LIST => Some("roots"),
        _ => None,
    }
}

/// Whether an elicitation wants a URL to be opened.
fn is_of_url(params: Option<&Raw>) -> bool {
    let read = params.and_then(|raw| Object::parse(raw).ok());
    read.and_then(|read| read.get_str("mode"))
        .is_some_and(|mode| mode == "url")
}

impl ModernRequest {
    /// As whom to borrow a link on which the client can be asked; `None` for a client that offers nothing to ask for.
    fn borrower(&self) -> Option<Borrower> {
        if self.meta.capabilities.as_str() == "{}" {
            return None;
        }
        let offered = Object::parse(&self.meta.capabilities).ok()?;
        // What else a modern client declares means nothing, or something else, to a legacy backend.
        let is_object = |raw: &&Raw| raw.as_str().starts_with('{');
        let asked = ["elicitation", "sampling", "roots"].map(|name| Some((name, offered.get(name).filter(is_object)?)));
        let members: Vec<String> = asked
            .iter()
            .flatten()
            .map(|(name, raw)| format!("\"{name}\":{}", raw.as_str()))
            .collect();
        let info = self.meta.client_info.as_ref();
        let length = members.iter().map(String::len).sum::<usize>() + info.map_or(0, |raw| raw.as_str().len());
        if members.is_empty() || length > MAX_BORROWER {
            return None;
        }
        Some(Borrower {
            caller: self.caller.identity().into(),
            declared: Declared {
                capabilities: Raw::parse(format!("{{{}}}", members.join(","))).ok()?,
                client_info: info.map(Raw::detached),
            },
        })
    }
}

/// Makes a link for a session that can be asked.
pub(crate) async fn own_link(
    core: &Core,
    session: &Arc<Session>,
    upstream: &Arc<Upstream>,
) -> Result<Arc<Link>, LinkError> {
    // Dropped last, also when nobody waits for the link any more.
    let _release = ReleaseIfOver { session, upstream };
    let feed = Arc::new(SessionFeed {
        core: Weak::clone(&core.me),
        session: Arc::downgrade(session),
        backend: Arc::clone(upstream.name()),
    });
    let link = upstream.for_session(session.number(), session.declared(), feed).await?;
    let mut changed = session.note_place(upstream.name(), link.owned()) && core.catalogues.differ();
    // Another call may have kept it already, and what it lists by now.
    if link.owned() && session.keep_link(upstream, &link) {
        let renewing = renew::own(Arc::clone(session), Arc::clone(upstream), Arc::clone(&link));
        core.spawn(renewing);
        changed |= session.forget_own_lists(upstream.name());
    }
    if changed {
        core.links_changed(session);
    }
    Ok(link)
}

/// A session that ended while its link was made: nobody else would release it.
struct ReleaseIfOver<'a> {
    session: &'a Arc<Session>,
    upstream: &'a Arc<Upstream>,
}

impl Drop for ReleaseIfOver<'_> {
    fn drop(&mut self) {
        if self.session.over().is_cancelled() {
            self.upstream.release(self.session.number());
            self.session.drop_links();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RequestMeta, i64> {
        let raw = Raw::parse(text.to_owned()).unwrap();
        let read = match ModernParams::of(Some(&raw)) {
            Some(params) => RequestMeta::of(&params, || &version::SPOKEN),
            None => Err(RequestMeta::missing(Some(&raw))),
        };
        read.map_err(|error| error.code)
    }

    #[test]
    fn required_keys_are_required() {
        let good = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"a":1.0}}}"#;
        assert_eq!(read(good).unwrap().capabilities.as_str(), r#"{"a":1.0}"#);
        assert_eq!(read("{}").unwrap_err(), code::INVALID_PARAMS);
        assert_eq!(read(r#"{"_meta":5}"#).unwrap_err(), code::INVALID_PARAMS);
        assert_eq!(
            read(&good.replace("{\"a\":1.0}", "5")).unwrap_err(),
            code::INVALID_PARAMS
        );
        assert_eq!(
            read(&good.replace("\"2026-07-28\"", "5")).unwrap_err(),
            code::INVALID_PARAMS
        );
        assert_eq!(
            read(&good.replace("2026-07-28", "2199-01-01")).unwrap_err(),
            code::UNSUPPORTED_VERSION
        );
    }
    #[test]
    fn the_log_level_is_optional_and_must_be_known() {
        let with = |level: &str| {
            read(&format!(
                r#"{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}{level}}}}}"#
            ))
            .map(|meta| meta.log_level)
        };
        assert_eq!(with(""), Ok(None));
        let warning = r#","io.modelcontextprotocol/logLevel":"warning""#;
        assert_eq!(with(warning), Ok(Level::parse("warning")));
        assert_eq!(with(&warning.replace("warning", "loud")), Err(code::INVALID_PARAMS));
        assert_eq!(with(&warning.replace("\"warning\"", "5")), Err(code::INVALID_PARAMS));
    }

    #[test]
    fn a_modern_client_hears_the_log_it_asked_for() {
        let log = |level: &str| Raw::parse(format!(r#"{{"level":"{level}","data":1}}"#)).unwrap();
        let client = |wanted: Option<&str>| {
            let mut request = request();
            request.meta.log_level = wanted.and_then(Level::parse);
            KeptClient::Modern(Arc::new(request))
        };
        let hears = |wanted, level: &str| client(wanted).hears(method::LOG, Some(&log(level)));
        assert!(!hears(None, "emergency"));
        assert!(!hears(Some("warning"), "notice"));
        assert!(hears(Some("warning"), "warning") && hears(Some("warning"), "error"));
        assert!(client(None).hears(method::PROGRESS, None));
    }

    #[test]
    fn debug_shows_no_header_values() {
        let shown = format!("{:?}", request());
        assert!(
            shown.contains("mcp-param-token") && !shown.contains("s3cret"),
            "{shown}"
        );
    }

    #[test]
    fn a_backend_is_told_what_it_may_ask_and_nothing_else() {
        let borrower = |capabilities: &str| {
            let mut request = request();
            request.meta.capabilities = Raw::parse(capabilities.to_owned()).unwrap();
            request
                .borrower()
                .map(|borrower| borrower.declared.capabilities.as_str().to_owned())
        };
        assert_eq!(borrower("{}"), None);
        assert_eq!(borrower(r#"{"extensions":{"x":{}}}"#), None);
        assert_eq!(
            borrower(r#"{"roots":{},"tasks":{},"elicitation":{"url":{ }}}"#).unwrap(),
            r#"{"elicitation":{"url":{ }},"roots":{}}"#
        );
    }

    fn request() -> ModernRequest {
        ModernRequest {
            id: Id::number(1),
            method: ByteString::from_static("tools/call"),
            params: None,
            members: Object::parse(&Raw::empty_object()).unwrap(),
            meta: RequestMeta {
                capabilities: Raw::empty_object(),
                client_info: None,
                log_level: None,
            },
            param_headers: Some(vec![(
                HeaderName::from_static("mcp-param-token"),
                HeaderValue::from_static("s3cret"),
            )]),
            caller: Caller::at(std::net::Ipv4Addr::LOCALHOST.into()),
            connection: None,
        }
    }
}
