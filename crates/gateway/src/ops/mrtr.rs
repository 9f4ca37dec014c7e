//! What a modern client carries from one round of a request to the next: `requestState`, always in the gateway's seal
//! and bound to its caller and request (MCP 2026-07-28 "Multi round-trip requests": it is attacker-controlled input).
//!
//! It is the state of a modern backend, which is given back byte by byte, or stands for a call that is parked here, or
//! for URLs that the user is to open.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use argus_protocol::{Answer, ByteString, Object, Raw, RpcError, Sought, code};
use sha2::{Digest, Sha256};

use super::forward::Forward;
use crate::core::Core;
use crate::modern::ModernRequest;
use crate::seal::{Seal, SealError};
use crate::session::Caller;

/// The member with the state.
pub(crate) const STATE: &str = "requestState";
/// The member with the client's answers.
pub(crate) const RESPONSES: &str = "inputResponses";
static SOUGHT: Sought = Sought::new(STATE);
static ANSWERS: Sought = Sought::new(RESPONSES);
/// How long a client may take to answer what nobody waits for.
pub(super) const LIFETIME_S: u64 = 3600;
/// What the states begin with that are not a backend's. No seal has a dot.
const PARKED: &str = "p.";
const URL: &str = "u.";

/// What a state stands for, by its looks: nobody has opened it yet.
pub(crate) enum Carried {
    /// A call that is parked here.
    Parked(ByteString),
    /// URLs that the user was to open.
    Url(ByteString),
    /// What a modern backend wants back.
    OfBackend,
}

/// The state that a request carries, if it does.
pub(crate) fn carried(request: &ModernRequest) -> Option<Carried> {
    request.members.get(STATE)?;
    let state = request.members.get_str(STATE).unwrap_or_default();
    let after = |kind: &str| state.strip_prefix(kind).map(ByteString::from);
    Some(match (after(PARKED), after(URL)) {
        (Some(token), _) => Carried::Parked(token),
        (_, Some(token)) => Carried::Url(token),
        _ => Carried::OfBackend,
    })
}

/// Why a state is not accepted.
pub(crate) fn refused(why: impl std::fmt::Display) -> RpcError {
    RpcError::new(code::INVALID_PARAMS, format!("params.{STATE}: {why}"))
}

/// The answer that asks the client: `requests` are the members of `inputRequests`.
pub(crate) fn input_required<'a>(
    requests: impl Iterator<Item = (String, &'a str, Option<&'a Raw>)>,
    state: &str,
    server: Option<&Raw>,
) -> Answer {
    let requests: Vec<String> = requests
        .map(|(key, method, params)| {
            let params = params.map_or(String::new(), |raw| format!(",\"params\":{}", raw.as_str()));
            format!("\"{key}\":{{\"method\":{}{params}}}", Raw::string(method).as_str())
        })
        .collect();
    let meta = server.map_or(String::new(), |raw| format!(",\"_meta\":{}", raw.as_str()));
    let text = format!(
        "{{\"resultType\":\"input_required\",\"inputRequests\":{{{}}},\"{STATE}\":\"{state}\"{meta}}}",
        requests.join(",")
    );
    // Made of parts that were checked, so this does not fail.
    Answer::Result(Raw::parse(text).unwrap_or_else(|_| Raw::empty_object()))
}

/// To what a state is bound: a caller, a backend and a request.
#[derive(Debug)]
pub(crate) struct Binding {
    seal: Arc<Seal>,
    caller: Caller,
    backend: Arc<str>,
    method: ByteString,
    params: Option<Raw>,
}

impl Binding {
    pub(crate) fn of(core: &Core, caller: Caller, backend: &Arc<str>, forward: &Forward) -> Self {
        Self {
            seal: Arc::clone(&core.seal),
            caller,
            backend: Arc::clone(backend),
            method: forward.method.clone(),
            params: forward.params.clone(),
        }
    }

    /// What a state of a kind is bound to, so that the parts cannot be taken for one another.
    fn context(&self, kind: &str) -> Vec<u8> {
        let digest = digest(self.params.as_ref());
        let mut context = Vec::new();
        let parts = [
            kind.as_bytes(),
            &self.caller.identity(),
            self.backend.as_bytes(),
            self.method.as_bytes(),
            &digest,
        ];
        parts.into_iter().for_each(|part| put(&mut context, part));
        context
    }

    fn sealed(&self, kind: &str, expires: u64, secret: &[u8]) -> String {
        self.seal.seal(&self.context(kind), expires, secret)
    }

    fn opened(&self, kind: &str, token: &str) -> Result<Vec<u8>, SealError> {
        self.seal.open(&self.context(kind), now(), token)
    }

    /// The state of a parked call.
    pub(crate) fn parked(&self, expires: u64, secret: &[u8]) -> String {
        format!("{PARKED}{}", self.sealed(PARKED, expires, secret))
    }

    pub(crate) fn open_parked(&self, token: &str) -> Result<Vec<u8>, SealError> {
        self.opened(PARKED, token)
    }

    /// The state of a call that is to be made again once URLs were opened.
    pub(super) fn url(&self) -> String {
        format!("{URL}{}", self.sealed(URL, now() + LIFETIME_S, b""))
    }

    pub(super) fn open_url(&self, token: &str) -> Result<(), SealError> {
        self.opened(URL, token).map(drop)
    }
}

/// What a request is about: all its parameters but those that differ from round to round, whatever their order.
fn digest(params: Option<&Raw>) -> [u8; 32] {
    let mut hash = Sha256::new();
    if let Some(read) = params.and_then(|raw| Object::parse(raw).ok()) {
        let lasting = |(key, _): &(&str, &Raw)| ![STATE, RESPONSES, "_meta"].contains(key);
        let mut members: Vec<(&str, &Raw)> = read.members().filter(lasting).collect();
        members.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in members {
            let mut part = Vec::new();
            put(&mut part, key.as_bytes());
            put(&mut part, value.as_str().as_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}

fn put(into: &mut Vec<u8>, part: &[u8]) {
    into.extend_from_slice(&part.len().to_be_bytes());
    into.extend_from_slice(part);
}

/// Seals the state of a modern backend.
#[derive(Debug)]
pub(crate) struct StateSeal(Binding);

impl StateSeal {
    pub(crate) fn new(binding: Binding) -> Self {
        Self(binding)
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
        let Some(state) = read.get(STATE).filter(|_| asks) else {
            return result;
        };
        let token = self.0.sealed(STATE, now() + LIFETIME_S, state.as_str().as_bytes());
        read.edit().set(STATE, Raw::string(&token)).finish()
    }

    /// Parameters with the backend's own state; untouched where there is none.
    pub(crate) fn unwrap(&self, params: &Raw) -> Result<Raw, RpcError> {
        if !params.may_have(&SOUGHT) {
            return Ok(params.clone());
        }
        let read = Object::parse(params).map_err(refused)?;
        if read.get(STATE).is_none() {
            return Ok(params.clone());
        }
        let token = read.get_str(STATE).ok_or_else(|| refused("it must be a string"))?;
        let state = self.0.opened(STATE, &token).map_err(refused)?;
        let state = String::from_utf8(state).ok().and_then(|text| Raw::parse(text).ok());
        let state = state.ok_or_else(|| refused("it is damaged"))?;
        Ok(read.edit().set(STATE, state).finish())
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// Parameters of a caller that has no states of its own to give: what a backend gets of them comes from the gateway.
pub(crate) fn without_state(params: &Raw) -> Result<Raw, RpcError> {
    if !params.may_have(&SOUGHT) && !params.may_have(&ANSWERS) {
        return Ok(params.clone());
    }
    let read =
        Object::parse(params).map_err(|error| RpcError::new(code::INVALID_PARAMS, format!("params: {error}")))?;
    Ok(read.edit().remove(STATE).remove(RESPONSES).finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    fn binding(seal: &Arc<Seal>, caller: &str, method: &str, params: &str) -> Binding {
        Binding {
            seal: Arc::clone(seal),
            caller: Caller::at(caller.parse().unwrap()),
            backend: "b".into(),
            method: method.into(),
            params: Some(raw(params)),
        }
    }

    #[test]
    fn the_state_comes_back_byte_by_byte_and_only_for_the_same_request() {
        let seal = Arc::new(Seal::ephemeral().unwrap());
        let of = |caller, method, params| StateSeal::new(binding(&seal, caller, method, params));
        let one = of("10.0.0.1", "tools/call", r#"{"name":"x","arguments":{"a":1.0}}"#);
        let result = raw(r#"{"resultType":"input_required","requestState":"a\u00e9\/","n":1.0}"#);
        let wrapped = one.wrap(result.clone());
        assert!(!wrapped.as_str().contains("u00e9") && wrapped.as_str().contains(r#""n":1.0"#));
        assert_eq!(one.unwrap(&wrapped).unwrap(), result);
        let same = of(
            "10.0.0.1",
            "tools/call",
            r#"{"inputResponses":{},"arguments":{"a":1.0},"_meta":{},"name":"x","requestState":"y"}"#,
        );
        assert_eq!(same.unwrap(&wrapped).unwrap(), result);
        for (caller, method, params) in [
            ("10.0.0.2", "tools/call", r#"{"name":"x","arguments":{"a":1.0}}"#),
            ("10.0.0.1", "prompts/get", r#"{"name":"x","arguments":{"a":1.0}}"#),
            ("10.0.0.1", "tools/call", r#"{"name":"y","arguments":{"a":1.0}}"#),
            ("10.0.0.1", "tools/call", r#"{"name":"x","arguments":{"a":1}}"#),
            ("10.0.0.1", "tools/call", r#"{"name":"x"}"#),
        ] {
            let refused = of(caller, method, params).unwrap(&wrapped).unwrap_err();
            assert_eq!(refused.code, code::INVALID_PARAMS);
        }
        assert!(one.unwrap(&raw(r#"{"requestState":"forged"}"#)).is_err());
    }

    #[test]
    fn one_kind_of_state_is_no_other() {
        let seal = Arc::new(Seal::ephemeral().unwrap());
        let binding = binding(&seal, "::1", "tools/call", "{}");
        let parked = binding.parked(now() + 9, b"x");
        let token = parked.strip_prefix(PARKED).unwrap();
        assert_eq!(binding.open_parked(token).unwrap(), b"x");
        assert_eq!(binding.open_url(token), Err(SealError::Forged));
        assert_eq!(
            binding.open_parked(binding.url().strip_prefix(URL).unwrap()),
            Err(SealError::Forged)
        );
    }

    #[test]
    fn what_is_no_question_is_left_alone() {
        let seal = Arc::new(Seal::ephemeral().unwrap());
        let one = StateSeal::new(binding(&seal, "::1", "m", "{}"));
        let result = raw(r#"{"resultType":"complete","requestState":"a"}"#);
        assert_eq!(one.wrap(result.clone()), result);
        let params = raw(r#"{"arguments":{"requestState":"a"}}"#);
        assert_eq!(one.unwrap(&params).unwrap(), params);
    }
}
