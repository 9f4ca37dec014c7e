//! Questions in the modern era: a request is answered with `input_required`, and comes again with the answers and a
//! `requestState` that holds what was answered before. The server keeps nothing in between.

use std::sync::Arc;

use argus_protocol::method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::ask::{Ask, Stop};
use crate::call::Change;
use crate::fault::Fault;
use crate::message::{Object, Request};
use crate::modern::{Envelope, Listens};
use crate::seal::Seal;
use argus_protocol::Level;

/// How long a client may take to answer.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// One round of a modern request, with the answers that earlier rounds brought.
pub(crate) struct Turn {
    envelope: Envelope,
    answers: Object,
    listens: Arc<Listens>,
}

impl Turn {
    pub(super) fn new(envelope: Envelope, answers: Object, listens: Arc<Listens>) -> Self {
        Self {
            envelope,
            answers,
            listens,
        }
    }

    /// The least severe log level the request wants.
    pub(crate) fn log_level(&self) -> Option<Level> {
        self.envelope.log_level
    }

    /// The answer to a question, or else the end of this round.
    pub(crate) fn ask(&self, key: &'static str, ask: Ask) -> Result<Value, Stop> {
        if !ask.ability.is_declared(&self.envelope.capabilities) {
            return Err(Fault::MissingCapability(ask.ability).into());
        }
        match self.answers.get(key) {
            None => Err(Stop::Ask { key, ask }),
            Some(answer) if ask.accepts(answer) => Ok(answer.clone()),
            Some(_) => Err(Fault::InvalidParams(format!("the answer `{key}` in `inputResponses` is malformed")).into()),
        }
    }

    /// Tells the listens of this connection of a change.
    pub(crate) async fn announce(&self, change: Change) {
        self.listens.announce(change).await;
    }
}

/// The answers a request brings: those sealed in its `requestState`, and the one it now adds. Answers to questions
/// that were not asked are ignored.
pub(super) fn answers(request: &Request, seal: &Seal, now: Timestamp) -> Result<Object, Fault> {
    let Some(state) = request
        .params
        .get("requestState")
        .filter(|_| request.method == method::TOOLS_CALL)
    else {
        return Ok(Object::new());
    };
    let invalid = || Fault::InvalidParams("`requestState` is not valid for this request; call again without it".into());
    let opened = state
        .as_str()
        .and_then(|state| seal.open(&binding(request), state))
        .ok_or_else(invalid)?;
    let mut state: Value = serde_json::from_slice(&opened).map_err(|_| invalid())?;
    if state["until"].as_i64().is_none_or(|until| until < now.as_second()) {
        return Err(invalid());
    }
    let (Value::Object(mut answers), Value::String(pending)) = (state["answers"].take(), state["pending"].take())
    else {
        return Err(invalid());
    };
    if let Some(answer) = responses(request)?.and_then(|responses| responses.get(&pending)) {
        answers.insert(pending, answer.clone());
    }
    Ok(answers)
}

/// The `input_required` result that asks a question.
pub(super) fn input_required(
    request: &Request,
    seal: &Seal,
    now: Timestamp,
    answers: Object,
    key: &str,
    ask: &Ask,
) -> Result<Value, Fault> {
    let until = now.as_second() + PATIENCE.as_secs();
    let state = json!({ "answers": answers, "pending": key, "until": until }).to_string();
    let state = seal.close(&binding(request), state.as_bytes());
    let state = state.ok_or_else(|| Fault::InvalidParams("the answers are too long to carry".into()))?;
    Ok(json!({
        "resultType": "input_required",
        "inputRequests": { key: { "method": ask.method(), "params": ask.params } },
        "requestState": state,
    }))
}

/// What a state is bound to: the tool and its arguments, in whatever order their keys come.
fn binding(request: &Request) -> Vec<u8> {
    let mut salient = json!([
        request.method,
        request.params.get("name"),
        request.params.get("arguments")
    ]);
    salient.sort_all_objects();
    salient.to_string().into_bytes()
}

fn responses(request: &Request) -> Result<Option<&Object>, Fault> {
    match request.params.get("inputResponses") {
        None => Ok(None),
        Some(Value::Object(responses)) => Ok(Some(responses)),
        Some(_) => Err(Fault::InvalidParams("`inputResponses` must be an object".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(params: Value) -> Request {
        let Value::Object(params) = params else { panic!() };
        Request {
            id: json!(1),
            method: method::TOOLS_CALL.into(),
            params,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn state(seal: &Seal, now: i64) -> Value {
        let first = request(json!({"name": "t", "arguments": {"a": 1, "b": 2}}));
        let answers = json!({"earlier": {"x": 1}}).as_object().unwrap().clone();
        let result = input_required(&first, seal, at(now), answers, "now", &Ask::roots()).unwrap();
        assert_eq!(result["inputRequests"]["now"]["method"], "roots/list");
        result["requestState"].clone()
    }

    #[test]
    fn a_retry_brings_old_and_new_answers() {
        let seal = Seal::new([1; 32]);
        let state = state(&seal, 100);
        let retry = request(json!({
            "name": "t", "arguments": {"b": 2, "a": 1}, "requestState": state,
            "inputResponses": {"now": {"roots": []}, "never asked": {}},
        }));
        let found = answers(&retry, &seal, at(101)).unwrap();
        assert_eq!(Value::Object(found), json!({"earlier": {"x": 1}, "now": {"roots": []}}));
    }

    #[test]
    fn a_state_that_is_old_foreign_or_forged_is_refused() {
        let seal = Seal::new([1; 32]);
        let state = state(&seal, 100);
        let arguments = json!({"a": 1, "b": 2});
        let good = request(json!({"name": "t", "arguments": arguments, "requestState": state}));
        assert!(answers(&good, &seal, at(700)).is_ok());
        assert!(answers(&good, &seal, at(701)).is_err());
        assert!(answers(&good, &Seal::new([2; 32]), at(101)).is_err());
        for params in [
            json!({"name": "t", "arguments": {"a": 1}, "requestState": state}),
            json!({"name": "u", "arguments": arguments, "requestState": state}),
            json!({"name": "t", "arguments": arguments, "requestState": "forged"}),
            json!({"name": "t", "arguments": arguments, "requestState": 7}),
            json!({"name": "t", "arguments": arguments, "requestState": state, "inputResponses": []}),
        ] {
            assert!(answers(&request(params), &seal, at(101)).is_err());
        }
    }
}
