//! The `requestState` of a modern backend, which the client carries: wrapped in the gateway's seal and given back byte
//! by byte (MCP 2026-07-28 "Multi round-trip requests": it is attacker-controlled input).

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use argus_protocol::{ByteString, Object, Raw, RpcError, Sought, code};

use crate::seal::Seal;

const MEMBER: &str = "requestState";
static SOUGHT: Sought = Sought::new(MEMBER);
/// How long a client may take to answer.
const LIFETIME_S: u64 = 3600;
/// The caller, until callers are told apart.
const ANYBODY: &str = "anonymous";

/// Seals the state of one request: bound to caller, backend, method and name.
#[derive(Debug)]
pub(crate) struct StateSeal {
    seal: Arc<Seal>,
    backend: Arc<str>,
    method: ByteString,
    name: Option<ByteString>,
}

impl StateSeal {
    pub(crate) fn new(seal: &Arc<Seal>, backend: &Arc<str>, method: &ByteString, name: Option<&ByteString>) -> Self {
        Self {
            seal: Arc::clone(seal),
            backend: Arc::clone(backend),
            method: method.clone(),
            name: name.cloned(),
        }
    }

    /// What a state is bound to, so that the parts cannot be taken for one another.
    fn context(&self) -> Vec<u8> {
        let name = self.name.as_deref().unwrap_or_default();
        let mut context = Vec::new();
        for part in [MEMBER, ANYBODY, &self.backend, &self.method, name] {
            context.extend_from_slice(&part.len().to_be_bytes());
            context.extend_from_slice(part.as_bytes());
        }
        context
    }

    /// A result with its state sealed; untouched where it has none.
    pub(crate) fn wrap(&self, result: Raw) -> Raw {
        if !result.may_have(&SOUGHT) {
            return result;
        }
        let Ok(read) = Object::parse(&result) else {
            return result;
        };
        let asks = read.get_str("resultType").is_some_and(|kind| kind == "input_required");
        let Some(state) = read.get(MEMBER).filter(|_| asks) else {
            return result;
        };
        let token = self
            .seal
            .seal(&self.context(), now() + LIFETIME_S, state.as_str().as_bytes());
        read.edit().set(MEMBER, Raw::string(&token)).finish()
    }

    /// Parameters with the backend's own state; untouched where there is none.
    pub(crate) fn unwrap(&self, params: &Raw) -> Result<Raw, RpcError> {
        if !params.may_have(&SOUGHT) {
            return Ok(params.clone());
        }
        let refused = |why: String| RpcError::new(code::INVALID_PARAMS, format!("params.{MEMBER}: {why}"));
        let read = Object::parse(params).map_err(|error| refused(error.to_string()))?;
        if read.get(MEMBER).is_none() {
            return Ok(params.clone());
        }
        let token = read
            .get_str(MEMBER)
            .ok_or_else(|| refused("it must be a string".to_owned()))?;
        let state = self
            .seal
            .open(&self.context(), now(), &token)
            .map_err(|error| refused(error.to_string()))?;
        let state = String::from_utf8(state).ok().and_then(|text| Raw::parse(text).ok());
        let state = state.ok_or_else(|| refused("it is damaged".to_owned()))?;
        Ok(read.edit().set(MEMBER, state).finish())
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    #[test]
    fn the_state_comes_back_byte_by_byte_and_only_for_the_same_request() {
        let seal = Arc::new(Seal::ephemeral().unwrap());
        let one = StateSeal::new(&seal, &"b".into(), &"tools/call".into(), Some(&"x".into()));
        let result = raw(r#"{"resultType":"input_required","requestState":"a\u00e9\/","n":1.0}"#);
        let wrapped = one.wrap(result.clone());
        assert!(!wrapped.as_str().contains("u00e9") && wrapped.as_str().contains(r#""n":1.0"#));
        assert_eq!(one.unwrap(&wrapped).unwrap(), result);
        let other = StateSeal::new(&seal, &"b".into(), &"tools/call".into(), Some(&"y".into()));
        assert_eq!(other.unwrap(&wrapped).unwrap_err().code, code::INVALID_PARAMS);
        assert!(one.unwrap(&raw(r#"{"requestState":"forged"}"#)).is_err());
    }

    #[test]
    fn what_is_no_question_is_left_alone() {
        let one = StateSeal::new(&Arc::new(Seal::ephemeral().unwrap()), &"b".into(), &"m".into(), None);
        let result = raw(r#"{"resultType":"complete","requestState":"a"}"#);
        assert_eq!(one.wrap(result.clone()), result);
        let params = raw(r#"{"arguments":{"requestState":"a"}}"#);
        assert_eq!(one.unwrap(&params).unwrap(), params);
    }
}
