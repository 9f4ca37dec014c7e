//! Messages of legacy clients: sessions of 2025-03-26, 2025-06-18 and 2025-11-25.

use std::sync::Arc;

use argus_gateway::{Caller, Event, Gateway, Reply, Session, SessionError};
use argus_protocol::{
    Answer, ByteString, FrameError, Id, Message, Raw, RpcError, code, header, method, version, write,
};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::accepts::Accepts;
use super::answer::{self, JsonAnswer};
use super::held::Held;
use super::messages::{Item, Messages};
use super::{FACE, respond};
use crate::app::App;
use crate::request_log::{self, Outcome, RequestLog};

/// Messages that one batch may have.
pub(crate) const MAX_BATCH: usize = 100;

/// Answers one message.
pub(crate) async fn one(
    app: &App,
    headers: &HeaderMap,
    caller: Caller,
    accepts: Accepts,
    message: Message,
) -> Response {
    if let Message::Request { id, method, params } = &message
        && method == method::INITIALIZE
        && !headers.contains_key(header::SESSION_ID)
    {
        return initialize(app, caller, id, method, params.as_ref()).await;
    }
    let id = match &message {
        Message::Request { id, .. } => Some(id),
        _ => None,
    };
    let session = match session_of(app, headers, caller, id) {
        Ok(session) => session,
        Err(refusal) => return refusal.into_response(),
    };
    match message {
        Message::Request { id, method, params } => {
            let log = RequestLog::begin(FACE, &method);
            let answer = answer_to(
                log,
                app.gateway.clone(),
                Arc::clone(&session),
                accepts,
                id,
                method,
                params,
            );
            request_log::written(respond::one(Held::one(session, answer), accepts, app.gateway.stalls()).await)
        }
        message => {
            app.gateway.legacy_message(&session, message);
            StatusCode::ACCEPTED.into_response()
        }
    }
}

/// Answers a batch, which only 2025-03-26 has.
pub(crate) async fn batch(
    app: &App,
    headers: &HeaderMap,
    caller: Caller,
    accepts: Accepts,
    messages: Vec<Result<Message, FrameError>>,
) -> Response {
    let session = match session_of(app, headers, caller, None) {
        Ok(session) => session,
        Err(refusal) => return refusal.into_response(),
    };
    if session.version() != version::BATCHING {
        let why = format!("the revision {} has no batches", session.version());
        return answer::refused(StatusCode::BAD_REQUEST, why).into_response();
    }
    if messages.len() > MAX_BATCH {
        let why = format!(
            "a batch of {} messages is too long; at most {MAX_BATCH} are taken",
            messages.len()
        );
        return answer::refused(StatusCode::BAD_REQUEST, why).into_response();
    }
    let mut answers: Vec<Messages> = Vec::new();
    for message in messages {
        match message {
            Ok(Message::Request { id, method, params }) => {
                let (gateway, session) = (app.gateway.clone(), Arc::clone(&session));
                let log = RequestLog::begin(FACE, &method);
                answers.push(answer_to(log, gateway, session, accepts, id, method, params));
            }
            Ok(message) => {
                RequestLog::taken(FACE, &message);
                app.gateway.legacy_message(&session, message);
            }
            Err(error) => {
                RequestLog::unreadable(FACE);
                let refusal = Item::legacy(answer::unreadable(&error).message);
                answers.push(Box::pin(futures::stream::iter([refusal])));
            }
        }
    }
    request_log::written(if answers.is_empty() {
        StatusCode::ACCEPTED.into_response()
    } else {
        respond::batch(Held::batch(session, answers), accepts, app.gateway.stalls()).await
    })
}

/// The session that a request names. A request without one is refused with 400, an unknown one, or another caller's,
/// with 404 (MCP 2025-11-25 "Session management"). One of before a restart may find no room: it is there still.
pub(crate) fn session_of(
    app: &App,
    headers: &HeaderMap,
    caller: Caller,
    id: Option<&Id>,
) -> Result<Arc<Session>, JsonAnswer> {
    let refuse = |status, why: String| answer::error(status, id, &RpcError::new(code::INVALID_REQUEST, why));
    let Some(named) = headers.get(header::SESSION_ID) else {
        let why = "the Mcp-Session-Id header is required; send `initialize` first";
        return Err(refuse(StatusCode::BAD_REQUEST, why.to_owned()));
    };
    let named = named.to_str().unwrap_or_default();
    app.gateway.session(named, caller).map_err(|error| {
        let status = match error {
            SessionError::Unknown => StatusCode::NOT_FOUND,
            SessionError::TooManyOfCaller(_) => StatusCode::TOO_MANY_REQUESTS,
            SessionError::TooMany(_) | SessionError::NoId => StatusCode::SERVICE_UNAVAILABLE,
        };
        refuse(status, error.to_string())
    })
}

async fn initialize(app: &App, caller: Caller, id: &Id, method: &ByteString, params: Option<&Raw>) -> Response {
    let mut log = RequestLog::begin(FACE, method);
    request_log::written(match app.gateway.initialize_lasting(params, caller).await {
        Err(error) => {
            log.outcome = Outcome::Error;
            answer::error(StatusCode::OK, Some(id), &error).into_response()
        }
        Ok((session, result)) => {
            log.outcome = Outcome::Result;
            let message = write::response(Some(id), &Answer::Result(result));
            let mut response = JsonAnswer {
                status: StatusCode::OK,
                message,
            }
            .into_response();
            if let Ok(value) = HeaderValue::from_str(session.id()) {
                response.headers_mut().insert(header::SESSION_ID, value);
            }
            response
        }
    })
}

/// The messages that answer a request. Dropped before the response, they cancel the call. A client that reads no streams
/// cannot be asked anything.
pub(crate) fn answer_to(
    mut log: RequestLog,
    gateway: Gateway,
    session: Arc<Session>,
    accepts: Accepts,
    id: Id,
    method: ByteString,
    params: Option<Raw>,
) -> Messages {
    Box::pin(async_stream::stream! {
        let in_flight = match session.begin(&id) {
            Ok(in_flight) => in_flight,
            Err(busy) => {
                log.end(Outcome::Error);
                let error = RpcError::new(code::INVALID_REQUEST, busy.to_string());
                yield Item::legacy(write::response(Some(&id), &Answer::Error(error.to_raw())));
                return;
            }
        };
        let cancelled = in_flight.token();
        let reply = tokio::select! {
            reply = gateway.legacy(&session, &method, params) => reply,
            () = cancelled.cancelled() => {
                log.end(Outcome::Cancelled);
                return;
            }
        };
        let mut relay = match reply {
            Reply::Now(answer) | Reply::Ended { answer, .. } => {
                log.ended(&answer);
                yield Item::legacy(write::response(Some(&id), &answer));
                return;
            }
            Reply::Relay(relay) => *relay,
        };
        log.relayed(&relay);
        let mut questions = Questions { session: Arc::clone(&session), open: Vec::new() };
        loop {
            let event = tokio::select! {
                event = relay.next() => event,
                () = cancelled.cancelled() => {
                    log.end(Outcome::Cancelled);
                    return;
                }
            };
            match event {
                Some(Event::Outcome(answer)) => {
                    drop((relay, questions, in_flight));
                    log.ended(&answer);
                    yield Item::legacy(write::response(Some(&id), &answer));
                    return;
                }
                Some(Event::Notification { method, params }) => {
                    yield Item::Before(write::notification(&method, params.as_ref()));
                }
                Some(Event::Ask(ask)) if !accepts.stream => ask.reply.refuse("this client reads no event streams"),
                Some(Event::Ask(ask)) => {
                    let theirs = ask.reply.id().clone();
                    if let Some((number, params)) = session.ask(ask.params, ask.reply) {
                        questions.open.push((theirs, number));
                        yield Item::Before(write::request(&Id::number(number), &ask.method, params.as_ref()));
                    }
                }
                Some(Event::AskWithdrawn(theirs)) => {
                    if let Some(message) = questions.withdraw(&theirs) {
                        yield Item::Before(message);
                    }
                }
                None => return,
            }
        }
    })
}

/// The questions of one call that are with the client: the backend's ids and the numbers the client knows.
struct Questions {
    session: Arc<Session>,
    open: Vec<(Id, u64)>,
}

impl Questions {
    /// The backend no longer wants an answer: tells the client.
    fn withdraw(&mut self, theirs: &Id) -> Option<bytes::Bytes> {
        let at = self.open.iter().position(|(id, _)| id == theirs)?;
        let (_, number) = self.open.swap_remove(at);
        self.session.withdraw(number);
        let params = Raw::from_value(&serde_json::json!({ "requestId": number }));
        Some(write::notification(method::CANCELLED, Some(&params)))
    }
}

/// The call is over: nobody wants the answers any more.
impl Drop for Questions {
    fn drop(&mut self) {
        for (_, number) in self.open.drain(..) {
            self.session.withdraw(number);
        }
    }
}
