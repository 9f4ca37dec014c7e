//! One request on its way to a backend.

use argus_protocol::object::ObjectError;
use argus_protocol::token::TokenError;
use argus_protocol::{ByteString, Era, Id, Level, Object, Raw, meta, token, version};
use http::{HeaderName, HeaderValue};

use crate::Declared;

/// A request before it has an id.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The method.
    pub method: ByteString,
    /// The parameters, with the caller's own progress token.
    pub params: Option<Raw>,
    /// The backend's own tool or prompt name, or the URI: `Mcp-Name` of a modern request over HTTP.
    pub name: Option<ByteString>,
    /// `Mcp-Param-*` of a modern caller, as received.
    pub param_headers: Vec<(HeaderName, HeaderValue)>,
    /// What to declare in the `_meta` of a modern request; `None` when the caller's own `_meta` is already there.
    pub declared: Option<Declared>,
    /// The `logLevel` to name beside it; without one a modern backend says nothing.
    pub log_level: Option<Level>,
    /// Whether it begins a task, whose progress has its token when it is answered already.
    pub augmented: bool,
    /// Whether it is the gateway's own: no client waits for its answer, or can be asked about it.
    pub own: bool,
}

impl Outgoing {
    /// A request of the gateway itself.
    #[must_use]
    pub fn own(method: &'static str, params: Option<Raw>) -> Self {
        Self {
            method: ByteString::from_static(method),
            params,
            name: None,
            param_headers: Vec::new(),
            declared: Some(Declared::everything()),
            log_level: None,
            augmented: false,
            own: true,
        }
    }

    /// The parameters to send under `id`, and the caller's progress token that `id` replaces in them.
    pub(crate) fn prepare(&self, era: Era, id: &Id) -> Result<(Option<Raw>, Option<Raw>), TokenError> {
        let (params, token) = match &self.params {
            Some(params) => {
                let (params, replaced) = token::replace(params, id)?;
                (Some(params), replaced)
            }
            None => (None, None),
        };
        match self.declared.as_ref().filter(|_| era == Era::Modern) {
            Some(declared) => Ok((Some(with_meta(params, declared, self.log_level)?), token)),
            None => Ok((params, token)),
        }
    }
}

/// `params` with the `_meta` that every modern request needs (MCP 2026-07-28).
fn with_meta(params: Option<Raw>, declared: &Declared, level: Option<Level>) -> Result<Raw, ObjectError> {
    let params = Object::parse(&params.unwrap_or_else(Raw::empty_object))?;
    let meta = Object::parse(&params.get("_meta").cloned().unwrap_or_else(Raw::empty_object))?;
    let mut meta = meta
        .edit()
        .set(meta::PROTOCOL_VERSION, Raw::string(version::MODERN))
        .set(meta::CLIENT_CAPABILITIES, declared.capabilities.clone())
        .set(
            meta::CLIENT_INFO,
            declared.client_info.clone().unwrap_or_else(crate::own_info),
        );
    if let Some(level) = level {
        meta = meta.set(meta::LOG_LEVEL, Raw::string(level.name()));
    }
    Ok(params.edit().set("_meta", meta.finish()).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(params: &str) -> Outgoing {
        Outgoing {
            method: "tools/call".into(),
            params: Some(Raw::parse(params.to_owned()).unwrap()),
            name: None,
            param_headers: Vec::new(),
            declared: None,
            log_level: None,
            augmented: false,
            own: false,
        }
    }

    fn prepared(request: &Outgoing, era: Era) -> (String, Option<String>) {
        let (params, token) = request.prepare(era, &Id::number(7)).unwrap();
        (
            params.unwrap().as_str().to_owned(),
            token.map(|raw| raw.as_str().to_owned()),
        )
    }

    #[test]
    fn a_modern_request_of_a_legacy_caller_gets_its_meta() {
        let mut request = outgoing(r#"{"name":"a"}"#);
        request.declared = Some(Declared::nothing());
        assert_eq!(prepared(&request, Era::Legacy).0, r#"{"name":"a"}"#);
        let (text, _) = prepared(&request, Era::Modern);
        assert!(
            text.starts_with(r#"{"name":"a","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28""#),
            "{text}"
        );
        assert!(!text.contains("logLevel"), "{text}");
        request.log_level = Level::parse("warning");
        let (text, _) = prepared(&request, Era::Modern);
        assert!(
            text.contains(r#""io.modelcontextprotocol/logLevel":"warning""#),
            "{text}"
        );
    }
}
