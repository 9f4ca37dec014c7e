//! Who is asking, and what that means for the way to a backend.

use std::sync::Arc;

use argus_protocol::{ByteString, Era, Id, Object, Raw, RpcError, code, meta, version};
use argus_upstream::{Declared, Link, LinkError, Upstream};
use http::{HeaderName, HeaderValue};

use crate::feeds::SessionFeed;
use crate::session::Session;

/// A request of a modern client. It stands alone.
#[derive(Debug)]
pub struct ModernRequest {
    /// Its id.
    pub id: Id,
    /// The method.
    pub method: ByteString,
    /// The parameters, `_meta` included.
    pub params: Option<Raw>,
    /// What `_meta` says.
    pub meta: RequestMeta,
    /// `Mcp-Param-*`, as received.
    pub param_headers: Vec<(HeaderName, HeaderValue)>,
}

/// What the `_meta` of a modern request says of the client (MCP 2026-07-28 "Request metadata").
#[derive(Debug, Clone)]
pub struct RequestMeta {
    /// `clientCapabilities`.
    pub capabilities: Raw,
    /// `clientInfo`.
    pub client_info: Option<Raw>,
}

impl RequestMeta {
    /// The protocol version that a request names in its `_meta`, if it names one.
    #[must_use]
    pub fn version_named(params: Option<&Raw>) -> Option<ByteString> {
        let params = params.filter(|raw| raw.may_have(meta::PROTOCOL_VERSION))?;
        Object::parse(params)
            .ok()?
            .get_object("_meta")?
            .get_str(meta::PROTOCOL_VERSION)
    }

    /// Reads and checks `_meta`.
    ///
    /// # Errors
    /// [`code::INVALID_PARAMS`] when something required is missing or malformed, [`code::UNSUPPORTED_VERSION`] when the
    /// version is not the modern one.
    pub fn read(params: Option<&Raw>) -> Result<Self, RpcError> {
        let invalid = |message: String| RpcError::new(code::INVALID_PARAMS, message);
        let params = params.ok_or_else(|| invalid("params._meta is required".to_owned()))?;
        let params = Object::parse(params).map_err(|error| invalid(format!("params: {error}")))?;
        let meta = params
            .get("_meta")
            .ok_or_else(|| invalid("params._meta is required".to_owned()))?;
        let meta = Object::parse(meta).map_err(|error| invalid(format!("params._meta: {error}")))?;
        let named = meta
            .get_str(meta::PROTOCOL_VERSION)
            .ok_or_else(|| invalid(format!("params._meta[\"{}\"] must be a string", meta::PROTOCOL_VERSION)))?;
        if named != version::MODERN {
            return Err(unsupported_version(&named));
        }
        let capabilities = meta
            .get(meta::CLIENT_CAPABILITIES)
            .filter(|raw| raw.as_str().starts_with('{'));
        let capabilities = capabilities.ok_or_else(|| {
            invalid(format!(
                "params._meta[\"{}\"] must be an object",
                meta::CLIENT_CAPABILITIES
            ))
        })?;
        Ok(Self {
            capabilities: capabilities.clone(),
            client_info: meta.get(meta::CLIENT_INFO).cloned(),
        })
    }
}

/// The error for a version that is not spoken here (MCP 2026-07-28).
#[must_use]
pub fn unsupported_version(requested: &str) -> RpcError {
    let message = format!("the protocol version {requested} is not spoken here");
    let data = serde_json::json!({ "supported": version::SPOKEN, "requested": requested });
    RpcError::new(code::UNSUPPORTED_VERSION, message).with_data(data)
}

/// A client as a call sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Client<'a> {
    Legacy(&'a Arc<Session>),
    Modern(&'a ModernRequest),
}

impl<'a> From<&'a Arc<Session>> for Client<'a> {
    fn from(session: &'a Arc<Session>) -> Self {
        Self::Legacy(session)
    }
}

impl<'a> From<&'a ModernRequest> for Client<'a> {
    fn from(request: &'a ModernRequest) -> Self {
        Self::Modern(request)
    }
}

impl Client<'_> {
    pub(crate) fn era(self) -> Era {
        match self {
            Self::Legacy(_) => Era::Legacy,
            Self::Modern(_) => Era::Modern,
        }
    }

    /// The link on which this client's calls to a backend go. A session that declares something a backend could ask
    /// for has links of its own; all others share.
    pub(crate) async fn link(self, upstream: &Arc<Upstream>) -> Result<Arc<Link>, LinkError> {
        match self {
            Self::Modern(_) => upstream.for_modern().await,
            Self::Legacy(session) if session.can_be_asked() => match session.link_to(upstream) {
                Some(link) => Ok(link),
                None => own_link(session, upstream).await,
            },
            Self::Legacy(_) => upstream.for_plain().await,
        }
    }

    /// What to tell a modern backend on behalf of a legacy client: its name, and nothing that would make the backend
    /// ask, because such questions are not bridged.
    pub(crate) fn declared(self) -> Option<Declared> {
        match self {
            Self::Modern(_) => None,
            Self::Legacy(session) => Some(Declared {
                capabilities: Raw::empty_object(),
                client_info: session.declared().client_info.clone(),
            }),
        }
    }

    pub(crate) fn param_headers(self) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            Self::Modern(request) => request.param_headers.clone(),
            Self::Legacy(_) => Vec::new(),
        }
    }
}

/// Makes a link for a session that can be asked.
async fn own_link(session: &Arc<Session>, upstream: &Arc<Upstream>) -> Result<Arc<Link>, LinkError> {
    // Dropped last, also when nobody waits for the link any more.
    let _release = ReleaseIfOver { session, upstream };
    let feed = SessionFeed::of(session);
    let link = upstream.for_session(session.number(), session.declared(), feed).await?;
    if link.owned() {
        session.keep_link(upstream, &link);
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
        RequestMeta::read(Some(&raw)).map_err(|error| error.code)
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
}
