//! What a modern request says about itself in `_meta`.

use argus_protocol::version::Era;
use argus_protocol::{meta, method};
use serde_json::Value;

use crate::fault::Fault;
use crate::message::{self, Object, Request};
use argus_protocol::Level;

/// The sender's declarations.
#[derive(Debug, PartialEq)]
pub(crate) struct Envelope {
    /// What the client can do.
    pub(crate) capabilities: Object,
    /// The least severe log level it wants; `None` for no logs.
    pub(crate) log_level: Option<Level>,
}

/// Whether a request speaks of itself as modern, rightly or not.
pub(crate) fn is_claimed_by(request: &Request) -> bool {
    request.method == method::DISCOVER
        || message::meta(&request.params).is_some_and(|found| found.contains_key(meta::PROTOCOL_VERSION))
}

impl Envelope {
    /// Reads and checks the declarations of a request.
    pub(crate) fn read(request: &Request) -> Result<Self, Fault> {
        let found = message::meta(&request.params).ok_or_else(|| wrong("must be an object"))?;
        let named = found.get(meta::PROTOCOL_VERSION).and_then(Value::as_str);
        let named = named.ok_or_else(|| wrong(&format!("must name `{}`", meta::PROTOCOL_VERSION)))?;
        if Era::of(named) != Some(Era::Modern) {
            return Err(Fault::UnsupportedVersion(named.into()));
        }
        let Some(Value::Object(capabilities)) = found.get(meta::CLIENT_CAPABILITIES) else {
            return Err(wrong(&format!("must hold the object `{}`", meta::CLIENT_CAPABILITIES)));
        };
        Ok(Self {
            capabilities: capabilities.clone(),
            log_level: log_level(found)?,
        })
    }
}

fn log_level(found: &Object) -> Result<Option<Level>, Fault> {
    let Some(value) = found.get(meta::LOG_LEVEL) else {
        return Ok(None);
    };
    let level = value.as_str().and_then(Level::parse);
    level
        .map(Some)
        .ok_or_else(|| wrong(&format!("must name one of the eight levels in `{}`", meta::LOG_LEVEL)))
}

fn wrong(what: &str) -> Fault {
    Fault::InvalidParams(format!("`_meta` {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(params: &Value) -> Result<Envelope, Fault> {
        let params = params.as_object().unwrap().clone();
        Envelope::read(&Request {
            id: json!(1),
            method: "tools/list".into(),
            params,
        })
    }

    #[test]
    fn both_required_keys_are_required() {
        assert!(matches!(read(&json!({})), Err(Fault::InvalidParams(_))));
        assert!(matches!(read(&json!({"_meta": 1})), Err(Fault::InvalidParams(_))));
        let version = json!({"_meta": {meta::PROTOCOL_VERSION: "2026-07-28"}});
        assert!(matches!(read(&version), Err(Fault::InvalidParams(_))));
        let number = json!({"_meta": {meta::PROTOCOL_VERSION: 2026, meta::CLIENT_CAPABILITIES: {}}});
        assert!(matches!(read(&number), Err(Fault::InvalidParams(_))));
        let other = json!({"_meta": {meta::PROTOCOL_VERSION: "2199-01-01", meta::CLIENT_CAPABILITIES: {}}});
        assert_eq!(read(&other), Err(Fault::UnsupportedVersion(json!("2199-01-01"))));
    }

    #[test]
    fn the_log_level_is_optional_but_must_exist() {
        let with = |level: Value| {
            json!({"_meta": {
                meta::PROTOCOL_VERSION: "2026-07-28", meta::CLIENT_CAPABILITIES: {}, meta::LOG_LEVEL: level
            }})
        };
        assert_eq!(read(&with(json!("info"))).unwrap().log_level, Some(Level::INFO));
        assert!(matches!(read(&with(json!("loud"))), Err(Fault::InvalidParams(_))));
    }
}
