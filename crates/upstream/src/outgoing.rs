//! One request on its way to a backend.

use argus_protocol::object::ObjectError;
use argus_protocol::{ByteString, Era, Id, Object, Raw, meta, version};
use http::{HeaderName, HeaderValue};
use memchr::memmem;

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
        }
    }

    /// The parameters to send under `id`, and the caller's progress token that `id` replaces in them.
    pub(crate) fn prepare(&self, era: Era, id: &Id) -> Result<(Option<Raw>, Option<Raw>), ObjectError> {
        let declared = self.declared.as_ref().filter(|_| era == Era::Modern);
        let has_token = self.params.as_ref().is_some_and(|raw| mentions_token(raw));
        if declared.is_none() && !has_token {
            return Ok((self.params.clone(), None));
        }
        let params = Object::parse(&self.params.clone().unwrap_or_else(Raw::empty_object))?;
        let meta = match params.get("_meta") {
            Some(raw) => Object::parse(raw)?,
            None if declared.is_none() => return Ok((self.params.clone(), None)),
            None => Object::parse(&Raw::empty_object())?,
        };
        let token = meta.get(meta::PROGRESS_TOKEN).cloned();
        let mut edit = meta.edit();
        if let Some(token) = &token {
            let ours = if token.as_str().starts_with('"') {
                Raw::string(id.as_str())
            } else {
                id.raw().clone()
            };
            edit = edit.set(meta::PROGRESS_TOKEN, ours);
        }
        if let Some(declared) = declared {
            edit = edit
                .set(meta::PROTOCOL_VERSION, Raw::string(version::MODERN))
                .set(meta::CLIENT_CAPABILITIES, declared.capabilities.clone())
                .set(
                    meta::CLIENT_INFO,
                    declared.client_info.clone().unwrap_or_else(crate::connect::own_info),
                );
        }
        Ok((Some(params.edit().set("_meta", edit.finish()).finish()), token))
    }
}

fn mentions_token(raw: &Raw) -> bool {
    memmem::find(raw.as_str().as_bytes(), meta::PROGRESS_TOKEN.as_bytes()).is_some()
}

/// `params` of a progress notification with the caller's token in place of ours.
pub(crate) fn restore_token(params: &Raw, token: &Raw) -> Option<Raw> {
    let read = Object::parse(params).ok()?;
    Some(read.edit().set(meta::PROGRESS_TOKEN, token.clone()).finish())
}

/// The request that a progress notification belongs to, by our token.
pub(crate) fn token_of(params: &Raw) -> Option<u64> {
    let read = Object::parse(params).ok()?;
    read.get(meta::PROGRESS_TOKEN)?.as_str().trim_matches('"').parse().ok()
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
    fn only_the_token_changes_and_keeps_its_type() {
        let text = r#"{ "x":1.0,"_meta":{"progressToken":"abc","y":1}}"#;
        assert_eq!(
            prepared(&outgoing(text), Era::Legacy),
            (
                r#"{ "x":1.0,"_meta":{"progressToken":"7","y":1}}"#.into(),
                Some("\"abc\"".into())
            )
        );
        assert_eq!(
            prepared(&outgoing(r#"{"_meta":{"progressToken":5}}"#), Era::Legacy).0,
            r#"{"_meta":{"progressToken":7}}"#
        );
    }

    #[test]
    fn a_token_elsewhere_is_left_alone() {
        let text = r#"{"arguments":{"progressToken":1}}"#;
        assert_eq!(prepared(&outgoing(text), Era::Legacy), (text.into(), None));
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
    }

    #[test]
    fn tokens_come_back() {
        let params = Raw::parse(r#"{"progressToken":"7","progress":1.0}"#).unwrap();
        assert_eq!(token_of(&params), Some(7));
        let restored = restore_token(&params, &Raw::string("abc")).unwrap();
        assert_eq!(restored.as_str(), r#"{"progressToken":"abc","progress":1.0}"#);
    }
}
