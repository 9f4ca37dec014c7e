//! What a modern backend wants to know before it answers, read from `input_required`.

use argus_protocol::{ByteString, Object, Raw, RpcError, Sought, code, method, shown};
use argus_upstream::Declared;
use serde_json::{Value, json};

use crate::session::random_id;

const INPUT_REQUIRED: &str = "input_required";
static SOUGHT: Sought = Sought::new(INPUT_REQUIRED);

/// What the backend needs.
#[derive(Debug)]
pub(super) struct InputRequired {
    pub(super) questions: Vec<Question>,
    /// To be given back byte by byte.
    pub(super) state: Option<Raw>,
}

/// One of `inputRequests`.
#[derive(Debug)]
pub(super) struct Question {
    /// The backend's name for it.
    pub(super) key: String,
    pub(super) method: ByteString,
    pub(super) params: Option<Raw>,
}

impl InputRequired {
    /// Reads a result; `None` where it is one that needs nothing (MCP 2026-07-28 "Multi round-trip requests").
    ///
    /// # Errors
    /// When it cannot be understood, or asks for what the client did not declare.
    pub(super) fn of(result: &Raw, client: &Declared) -> Option<Result<Self, RpcError>> {
        if !result.may_have(&SOUGHT) {
            return None;
        }
        let read = Object::parse(result).ok()?;
        let asks = read.get_str("resultType").is_some_and(|kind| kind == INPUT_REQUIRED);
        asks.then(|| Self::read(&read, client))
    }

    fn read(result: &Object, client: &Declared) -> Result<Self, RpcError> {
        let state = result.get("requestState").cloned();
        let requests = match result.get("inputRequests") {
            Some(requests) => Some(Object::parse(requests).map_err(|_| malformed("`inputRequests` is no object"))?),
            None => None,
        };
        let capabilities = Object::parse(&client.capabilities).ok();
        let mut questions = Vec::new();
        for (key, request) in requests.iter().flat_map(Object::members) {
            questions.push(question(key, request, capabilities.as_ref())?);
        }
        if questions.is_empty() && state.is_none() {
            return Err(malformed("it asks nothing and gives no `requestState`"));
        }
        Ok(Self { questions, state })
    }
}

fn question(key: &str, request: &Raw, capabilities: Option<&Object>) -> Result<Question, RpcError> {
    let read = Object::parse(request).map_err(|_| malformed("a question is no object"))?;
    let method = read
        .get_str("method")
        .ok_or_else(|| malformed("a question names no method"))?;
    let params = read.get("params").cloned();
    let details = |capability| capabilities.and_then(|read| read.get_object(capability));
    let question = |params| Question {
        key: key.to_owned(),
        method: method.clone(),
        params,
    };
    match &*method {
        method::SAMPLING if details("sampling").is_some() => Ok(question(params)),
        method::SAMPLING => Err(undeclared(&method, json!({"sampling": {}}))),
        method::ROOTS_LIST if details("roots").is_some() => Ok(question(params)),
        method::ROOTS_LIST => Err(undeclared(&method, json!({"roots": {}}))),
        method::ELICITATION => {
            let elicitation = details("elicitation");
            let has = |mode| elicitation.as_ref().is_some_and(|read| read.get(mode).is_some());
            if of_url_mode(params.as_ref()) {
                return match has("url") {
                    true => Ok(question(params.map(with_elicitation_id))),
                    false => Err(undeclared(&method, json!({"elicitation": {"url": {}}}))),
                };
            }
            // Without a mode, forms are meant (MCP 2026-07-28 "Elicitation").
            match elicitation.is_some() && (has("form") || !has("url")) {
                true => Ok(question(params)),
                false => Err(undeclared(&method, json!({"elicitation": {"form": {}}}))),
            }
        }
        _ => Err(malformed(&format!("nobody knows the question `{}`", shown(&method)))),
    }
}

fn of_url_mode(params: Option<&Raw>) -> bool {
    let read = params.and_then(|raw| Object::parse(raw).ok());
    read.and_then(|read| read.get_str("mode"))
        .is_some_and(|mode| mode == "url")
}

/// A question with the id that only the legacy era has, and needs (MCP 2025-11-25 "Elicitation", URL mode).
fn with_elicitation_id(params: Raw) -> Raw {
    match Object::parse(&params) {
        Ok(read) if read.get("elicitationId").is_none() => {
            let id = random_id().unwrap_or_default();
            read.edit().set("elicitationId", Raw::string(&id)).finish()
        }
        _ => params,
    }
}

fn malformed(why: &str) -> RpcError {
    RpcError::new(
        code::INTERNAL_ERROR,
        format!("the backend needs input, but does not say so as 2026-07-28 demands: {why}"),
    )
}

/// The backend was told what the client can do, and does not keep to it.
fn undeclared(method: &str, required: Value) -> RpcError {
    let why = format!("the backend asks for `{method}`, which this client did not declare in `initialize`");
    RpcError::new(code::MISSING_CLIENT_CAPABILITY, why).with_data(json!({ "requiredCapabilities": required }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(capabilities: &str, result: &str) -> Option<Result<InputRequired, RpcError>> {
        let client = Declared {
            capabilities: Raw::parse(capabilities.to_owned()).unwrap(),
            client_info: None,
        };
        InputRequired::of(&Raw::parse(result.to_owned()).unwrap(), &client)
    }

    fn one(capabilities: &str, request: &str) -> Result<Question, i64> {
        let result = format!(r#"{{"resultType":"input_required","inputRequests":{{"k":{request}}}}}"#);
        let read = asked(capabilities, &result).unwrap().map_err(|error| error.code)?;
        Ok(read.questions.into_iter().next().unwrap())
    }

    #[test]
    fn other_results_ask_nothing() {
        assert!(asked("{}", r#"{"content":[{"text":"input_required"}]}"#).is_none());
        assert!(asked("{}", r#"{"resultType":"complete","input_required":1}"#).is_none());
        assert!(asked("{}", r#""input_required""#).is_none());
    }

    #[test]
    fn questions_and_state_are_read_as_they_are() {
        let result = r#"{"resultType":"input_required","requestState":"a\u00e9\/","inputRequests":{"a\"b":{"method":"roots/list"},"c":{"method":"sampling/createMessage","params":{"n":1.0}}}}"#;
        let read = asked(r#"{"roots":{},"sampling":{}}"#, result).unwrap().unwrap();
        assert_eq!(read.state.unwrap().as_str(), r#""a\u00e9\/""#);
        let [first, second] = &read.questions[..] else { panic!() };
        assert_eq!(
            (&*first.key, &*first.method, &first.params),
            ("a\"b", "roots/list", &None)
        );
        assert_eq!(second.params.as_ref().unwrap().as_str(), r#"{"n":1.0}"#);
    }

    #[test]
    fn a_client_is_asked_only_for_what_it_declared() {
        let form = r#"{"method":"elicitation/create","params":{"message":"?"}}"#;
        let url = r#"{"method":"elicitation/create","params":{"mode":"url","url":"https://x"}}"#;
        assert!(one(r#"{"elicitation":{}}"#, form).is_ok());
        assert!(one(r#"{"elicitation":{"form":{},"url":{}}}"#, url).is_ok());
        for (capabilities, request) in [
            ("{}", form),
            (r#"{"elicitation":{"url":{}}}"#, form),
            (r#"{"elicitation":{}}"#, url),
            (r#"{"elicitation":{}}"#, r#"{"method":"roots/list"}"#),
            (r#"{"roots":{}}"#, r#"{"method":"sampling/createMessage"}"#),
        ] {
            assert_eq!(
                one(capabilities, request).unwrap_err(),
                code::MISSING_CLIENT_CAPABILITY,
                "{request}"
            );
        }
    }

    #[test]
    fn a_url_gets_the_id_that_legacy_clients_need() {
        let url = |more: &str| format!(r#"{{"method":"elicitation/create","params":{{"mode":"url"{more}}}}}"#);
        let params = |request: &str| one(r#"{"elicitation":{"url":{}}}"#, request).unwrap().params.unwrap();
        let made = Object::parse(&params(&url(""))).unwrap().get_str("elicitationId");
        assert_eq!(made.unwrap().len(), 32);
        assert_eq!(
            params(&url(r#","elicitationId":"e"}"#.trim_end_matches('}'))).as_str(),
            r#"{"mode":"url","elicitationId":"e"}"#
        );
    }

    #[test]
    fn what_cannot_be_understood_is_an_error() {
        let broken = |result: &str| asked("{}", result).unwrap().unwrap_err().code;
        assert_eq!(broken(r#"{"resultType":"input_required"}"#), code::INTERNAL_ERROR);
        assert_eq!(
            broken(r#"{"resultType":"input_required","inputRequests":[]}"#),
            code::INTERNAL_ERROR
        );
        for request in ["1", "{}", r#"{"method":"ping"}"#] {
            assert_eq!(one("{}", request).unwrap_err(), code::INTERNAL_ERROR, "{request}");
        }
    }
}
