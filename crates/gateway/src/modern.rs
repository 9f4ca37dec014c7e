//! A request of the era without sessions: what it says of its client.

use std::fmt;

use argus_protocol::{ByteString, Id, Level, Object, Raw, RpcError, Sought, code, meta, version};
use argus_upstream::{Borrower, Declared};
use http::{HeaderName, HeaderValue};
use tokio_util::sync::CancellationToken;

use crate::session::Caller;

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

impl ModernRequest {
    /// As whom to borrow a link on which the client can be asked; `None` for a client that offers nothing to ask for.
    pub(crate) fn borrower(&self) -> Option<Borrower> {
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

#[cfg(test)]
pub(crate) mod tests {
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

    pub(crate) fn request() -> ModernRequest {
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
