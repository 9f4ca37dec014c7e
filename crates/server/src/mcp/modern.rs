//! Messages of modern clients: 2026-07-28, each standing alone.

use std::borrow::Cow;
use std::sync::Arc;

use argus_gateway::{
    Asks, Caller, Event, Gateway, Listen, ListenEvent, ModernParams, ModernRequest, Parking, Reply, RequestMeta,
    own_info,
};
use argus_protocol::header::Mismatch;
use argus_protocol::{Answer, Id, Message, Object, Raw, RpcError, header, meta, method, version, write};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Value, json};

use super::accepts::Accepts;
use super::messages::{Item, Messages};
use super::{FACE, answer, respond};
use crate::app::App;
use crate::request_log::{self, Outcome, RequestLog};

/// Answers one message, whose parameters were looked into as far as they name a version.
pub(crate) async fn handle(
    app: &App,
    headers: &HeaderMap,
    caller: Caller,
    accepts: Accepts,
    message: Message,
    read: Option<ModernParams>,
) -> Response {
    let (id, method, params) = match message {
        Message::Request { id, method, params } => (id, method, params),
        // Nothing a modern client could notify of over HTTP means anything here, but it is no error.
        Message::Notification { .. } => return StatusCode::ACCEPTED.into_response(),
        Message::Response { .. } => {
            return answer::refused(StatusCode::BAD_REQUEST, "nothing was asked of this client").into_response();
        }
    };
    let (meta, members) = match check(app, headers, &method, params.as_ref(), read) {
        Ok(checked) => checked,
        Err(error) => return answer::error(StatusCode::BAD_REQUEST, Some(&id), &error).into_response(),
    };
    let request = Arc::new(ModernRequest {
        id,
        method,
        params,
        members,
        meta,
        param_headers: Some(param_headers(headers)),
        caller,
        connection: None,
    });
    if request.method == method::LISTEN {
        return listen(app, request).await;
    }
    let log = RequestLog::begin(FACE, &request.method);
    let messages = answer_to(log, app.gateway.clone(), request);
    request_log::written(respond::one(messages, accepts, app.gateway.stalls()).await)
}

/// The `_meta` of a request that obeys the header rules, and the members of its parameters (MCP 2026-07-28 "Request
/// headers").
fn check(
    app: &App,
    headers: &HeaderMap,
    method: &str,
    params: Option<&Raw>,
    read: Option<ModernParams>,
) -> Result<(RequestMeta, Object), RpcError> {
    let named = read.as_ref().map_or(version::MODERN, ModernParams::version);
    agree(
        &header::PROTOCOL_VERSION,
        the_only(headers, &header::PROTOCOL_VERSION),
        Some(named),
    )?;
    let read = read.ok_or_else(|| RequestMeta::missing(params))?;
    let meta = RequestMeta::of(&read, || app.gateway.spoken())?;
    agree(&header::METHOD, the_only(headers, &header::METHOD), Some(method))?;
    if let Some(member) = header::name_member(method) {
        let said = header::the_only_decoded(headers.get_all(header::NAME));
        agree(&header::NAME, said, read.text(member).as_deref())?;
    }
    Ok((meta, read.into_members()))
}

fn the_only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<Cow<'h, str>>, Mismatch> {
    header::the_only(headers.get_all(name)).map(|said| said.map(Cow::Borrowed))
}

/// Whether a header says what the body says, and nothing where that says nothing.
fn agree(name: &HeaderName, said: Result<Option<Cow<'_, str>>, Mismatch>, body: Option<&str>) -> Result<(), RpcError> {
    let agree = said.and_then(|said| match (said, body) {
        (Some(said), Some(body)) if said == body => Ok(()),
        (Some(_), Some(_)) => Err(Mismatch::Differs),
        (None, Some(_)) => Err(Mismatch::Missing),
        (Some(_), None) => Err(Mismatch::NotInBody),
        // That the body needs it, too, is for others to say.
        (None, None) => Ok(()),
    });
    agree.map_err(|mismatch| mismatch.of(name.as_str()))
}

fn param_headers(headers: &HeaderMap) -> Vec<(http::HeaderName, http::HeaderValue)> {
    let params = headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with(header::PARAM_PREFIX));
    params.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The messages that answer a request. Dropped before the response, they cancel the call (MCP 2026-07-28
/// "Cancellation").
pub(crate) fn answer_to(mut log: RequestLog, gateway: Gateway, request: Arc<ModernRequest>) -> Messages {
    Box::pin(async_stream::stream! {
        let id = request.id.clone();
        // Dropped last: that a call is cancelled is to be known before its questions are given up.
        let mut asks = Asks::default();
        let mut relay = match gateway.modern(&request).await {
            Reply::Now(answer) => {
                log.ended(&answer);
                yield Item::modern(write::response(Some(&id), &answer), &answer);
                return;
            }
            Reply::Ended { said, answer } => {
                for (method, params) in said {
                    yield Item::Before(write::notification(&method, params.as_ref()));
                }
                log.ended(&answer);
                yield Item::modern(write::response(Some(&id), &answer), &answer);
                return;
            }
            Reply::Relay(relay) => relay,
        };
        log.relayed(&relay);
        loop {
            let Some(event) = asks.gather(relay.next()).await else {
                // Nothing more is asked at the moment: the client is, and the call waits.
                match gateway.park(relay, asks.take()) {
                    Parking::Parked(answer) => {
                        log.ended(&answer);
                        yield Item::modern(write::response(Some(&id), &answer), &answer);
                        return;
                    }
                    Parking::Refused(again) => relay = again,
                }
                continue;
            };
            match event {
                Some(Event::Outcome(answer)) => {
                    // The backend is done: others may have its turn while the client reads.
                    drop(relay);
                    log.ended(&answer);
                    yield Item::modern(write::response(Some(&id), &answer), &answer);
                    return;
                }
                Some(Event::Notification { method, params }) => {
                    yield Item::Before(write::notification(&method, params.as_ref()));
                }
                Some(Event::Ask(ask)) => asks.add(ask),
                Some(Event::AskWithdrawn(ask)) => asks.withdraw(&ask),
                None => return,
            }
        }
    })
}

/// `subscriptions/listen`: a stream that stays open.
async fn listen(app: &App, request: Arc<ModernRequest>) -> Response {
    let mut log = RequestLog::begin(FACE, &request.method);
    request_log::written(match app.gateway.listen(&request).await {
        Ok(listen) => respond::event_stream(listening(listen, request, log)),
        Err(error) => {
            log.outcome = Outcome::Error;
            answer::error(StatusCode::OK, Some(&request.id), &error).into_response()
        }
    })
}

/// The messages of a `subscriptions/listen` that was granted.
pub(crate) fn listening(
    mut listen: Listen,
    request: Arc<ModernRequest>,
    mut log: RequestLog,
) -> impl futures::Stream<Item = Bytes> + Send + 'static {
    async_stream::stream! {
        let honoured = Raw::from_value(&json!({ "notifications": listen.honoured() }));
        yield notification(method::LISTEN_ACKNOWLEDGED, Some(&honoured), &request.id);
        loop {
            match listen.next().await {
                ListenEvent::Notification { method, params } => {
                    yield notification(&method, params.as_ref(), &request.id);
                }
                ListenEvent::End => {
                    log.end(Outcome::Result);
                    let result = with_subscription(&ended(), &request.id);
                    yield write::response(Some(&request.id), &Answer::Result(result));
                    return;
                }
            }
        }
    }
}

/// The result that ends a `subscriptions/listen`.
fn ended() -> Raw {
    let server: Value = own_info().read().unwrap_or_default();
    Raw::from_value(&json!({ "resultType": "complete", "_meta": { meta::SERVER_INFO: server } }))
}

fn notification(method: &str, params: Option<&Raw>, id: &Id) -> Bytes {
    let params = with_subscription(&params.cloned().unwrap_or_else(Raw::empty_object), id);
    write::notification(method, Some(&params))
}

/// Adds the id of the subscription to `_meta`, with its JSON type (MCP 2026-07-28 "Subscriptions").
fn with_subscription(object: &Raw, id: &Id) -> Raw {
    let Ok(read) = Object::parse(object) else {
        return object.clone();
    };
    let empty = Raw::empty_object();
    let Ok(meta) = Object::parse(read.get("_meta").unwrap_or(&empty)) else {
        return object.clone();
    };
    let meta = meta.edit().set(meta::SUBSCRIPTION_ID, id.raw().clone()).finish();
    read.edit().set("_meta", meta).finish()
}
