//! What the operations have in common that call a backend: the way, which is that of a call over MCP.

use argus_gateway::{Caller, Event, Operation, OperatorCall, Reply};
use argus_protocol::error::{code_of, message_of};
use argus_protocol::{Answer, ByteString, Object, Raw, code};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;
use serde_json::value::RawValue;

use super::FACE;
use super::capabilities::{inner, text_of, verbatim};
use super::error::Error;
use crate::app::App;
use crate::request_log::{self, Outcome, RequestLog};

/// What a backend answered.
pub(super) struct Answered {
    pub(super) backend: String,
    result: Object,
}

impl Answered {
    /// A member that is an array.
    pub(super) fn list(&self, member: &str) -> Box<RawValue> {
        let list = self.result.get(member).filter(|raw| raw.as_str().starts_with('['));
        list.map_or_else(|| text_of("[]"), verbatim)
    }

    /// A member, where it is there.
    pub(super) fn raw(&self, member: &str) -> Option<Box<RawValue>> {
        self.result.get(member).map(verbatim)
    }

    /// `_meta`, where it is there.
    pub(super) fn meta(&self) -> Option<Box<RawValue>> {
        inner(&self.result, "_meta")
    }

    /// A member that is a text.
    pub(super) fn text(&self, member: &str) -> Option<String> {
        Some(self.result.get_str(member)?.to_string())
    }

    /// Whether a member is there and true.
    pub(super) fn is_true(&self, member: &str) -> bool {
        self.result.get(member).is_some_and(|raw| raw.as_str() == "true")
    }
}

/// Calls, and writes the line of the log. Dropped, it cancels the call at the backend.
pub(super) async fn call(
    app: &App,
    caller: Caller,
    operation: Operation,
    name: &str,
    arguments: Option<&RawValue>,
) -> Result<Answered, Error> {
    let arguments = arguments.map(object).transpose()?;
    let mut log = RequestLog::begin(FACE, &ByteString::from_static(operation.method()));
    let called = app.gateway.operate(operation, name, arguments.as_ref(), caller).await;
    let Some(OperatorCall { backend, reply }) = called else {
        log.end(Outcome::Refused(StatusCode::NOT_FOUND));
        return Err(Error::Unknown(operation.subject(), name.to_owned()));
    };
    let answer = match reply {
        Reply::Now(answer) | Reply::Ended { answer, .. } => answer,
        Reply::Relay(mut relay) => {
            log.relayed(&relay);
            loop {
                match relay.next().await {
                    Some(Event::Outcome(answer)) => break answer,
                    Some(Event::Ask(ask)) => ask
                        .reply
                        .refuse("whoever calls over the management API cannot be asked"),
                    Some(Event::Notification { .. } | Event::AskWithdrawn(_)) => {}
                    // Its outcome comes first.
                    None => return Err(Error::no_answer(&backend)),
                }
            }
        }
    };
    log.ended(&answer);
    match answer {
        Answer::Result(result) => finished(&backend, &result),
        Answer::Error(error) => Err(failed(operation, name, &error)),
    }
}

/// The response, of which the line of the log is written already.
pub(super) fn logged(answered: Result<impl IntoResponse, Error>) -> Response {
    match answered {
        Ok(answered) => answered.into_response(),
        Err(error) if error.is_of_a_call() => request_log::written(error.into_response()),
        Err(error) => error.into_response(),
    }
}

fn object(arguments: &RawValue) -> Result<Raw, Error> {
    let arguments = Raw::parse(arguments.get().to_owned())?;
    match Object::parse(&arguments) {
        Ok(_) => Ok(arguments),
        Err(error) => Err(Error::Arguments(error)),
    }
}

/// A result that is the end of the call.
fn finished(backend: &str, result: &Raw) -> Result<Answered, Error> {
    let backend = backend.to_owned();
    let Ok(result) = Object::parse(result) else {
        return Err(Error::no_answer(&backend));
    };
    match result.get_str("resultType") {
        Some(kind) if kind != "complete" => Err(Error::Failed {
            message: format!(
                "backend `{backend}` answers `{kind}`, which takes a client of MCP that can go on with it; call it over /mcp"
            ),
            details: None,
        }),
        _ => Ok(Answered { backend, result }),
    }
}

fn failed(operation: Operation, name: &str, error: &Raw) -> Error {
    let message = message_of(error).unwrap_or_else(|| "the backend gives no reason".to_owned());
    match code_of(error) {
        Some(code::BACKEND_UNAVAILABLE | code::BACKEND_RESTING) => Error::Away(message),
        Some(code::BACKEND_TIMEOUT) => Error::TooLate(message),
        Some(code::INVALID_PARAMS) if operation == Operation::ReadResource && names(error, name) => {
            Error::Unknown(operation.subject(), name.to_owned())
        }
        _ => Error::Failed {
            message,
            details: error.read::<Value>().ok(),
        },
    }
}

/// Whether an error says that there is no resource of this URI (MCP 2026-07-28 "Error codes").
fn names(error: &Raw, uri: &str) -> bool {
    let data = Object::parse(error).ok().and_then(|error| error.get_object("data"));
    data.and_then(|data| data.get_str("uri"))
        .is_some_and(|named| named == uri)
}
