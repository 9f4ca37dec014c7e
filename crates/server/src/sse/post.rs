//! `POST /messages/`: takes what a client says.

use std::sync::Arc;

use argus_protocol::{Frame, FrameError, Id, Message, RpcError, code, version};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::connection::{Connection, NotTaken};
use super::requests::{self, Asked};
use super::{FACE, answering::Answering};
use crate::app::App;
use crate::body;
use crate::mcp::answer::{self, JsonAnswer};
use crate::mcp::legacy::MAX_BATCH;
use crate::mcp::messages::Item;
use crate::mcp::post::is_json;
use crate::request_log::{self, RequestLog};

/// The part of the query that names the connection.
const ID: &str = "session_id";

pub(super) async fn handle(app: App, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        let why = "Content-Type must be application/json";
        return answer::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into_response();
    }
    let body = match body::read(&parts.headers, body, app.max_body).await {
        Ok(body) => body,
        Err(error) => return answer::refused(error.status(), error.to_string()).into_response(),
    };
    let size = body.len();
    let frame = match Frame::from_client(body) {
        Ok(frame) => frame,
        Err(error) => return answer::unreadable(&error).into_response(),
    };
    match (connection_of(&app, parts.uri.query(), &frame), frame) {
        (Err(refusal), _) => refusal.into_response(),
        (Ok(connection), Frame::One(message)) => {
            let method = request_log::method_of(&message);
            request_log::named(one(&app, &connection, message, size), method)
        }
        (Ok(connection), Frame::Batch(parts)) => batch(&app, &connection, parts, size),
    }
}

/// The connection that the query names. A request that names none is refused with 400, an unknown one with 404, as
/// with the sessions of `/mcp`.
fn connection_of(app: &App, query: Option<&str>, frame: &Frame) -> Result<Arc<Connection>, JsonAnswer> {
    let named = query
        .unwrap_or_default()
        .split('&')
        .find_map(|part| part.strip_prefix(ID)?.strip_prefix('='));
    let Some(named) = named else {
        let why = "the query must have session_id; post to the URI that the first event of GET /sse names";
        return Err(refused(StatusCode::BAD_REQUEST, id_of(frame), why));
    };
    app.connections.get(named).ok_or_else(|| {
        let why = "there is no such connection; open another with GET /sse";
        refused(StatusCode::NOT_FOUND, id_of(frame), why)
    })
}

/// The id of a frame that is one request.
fn id_of(frame: &Frame) -> Option<&Id> {
    match frame {
        Frame::One(Message::Request { id, .. }) => Some(id),
        _ => None,
    }
}

fn refused(status: StatusCode, id: Option<&Id>, why: &str) -> JsonAnswer {
    answer::error(status, id, &RpcError::new(code::INVALID_REQUEST, why))
}

/// Takes one message.
fn one(app: &App, connection: &Connection, message: Message, size: usize) -> Response {
    match Asked::of(message) {
        Ok(request) => {
            let id = request.id.clone();
            match hand_over(app, connection, vec![Ok(request)], size) {
                Ok(()) => request_log::written(accepted()),
                Err(why) => not_taken(Some(&id), why).into_response(),
            }
        }
        Err(message) => {
            requests::said(&app.gateway, &connection.client, message);
            accepted()
        }
    }
}

/// Takes a batch, which only 2025-03-26 has.
fn batch(app: &App, connection: &Connection, parts: Vec<Result<Message, FrameError>>, size: usize) -> Response {
    let revision = connection.client.session().map(|session| session.version());
    if revision != Some(version::BATCHING) {
        let why = format!(
            "{} has no batches; post the messages one by one",
            revision.unwrap_or("a client that is not initialized")
        );
        return refused(StatusCode::BAD_REQUEST, None, &why).into_response();
    }
    if parts.len() > MAX_BATCH {
        let why = format!(
            "a batch of {} messages is too long; at most {MAX_BATCH} are taken",
            parts.len()
        );
        return refused(StatusCode::BAD_REQUEST, None, &why).into_response();
    }
    let mut asked = Vec::new();
    let mut said = Vec::new();
    for part in parts {
        match part.map(Asked::of) {
            Ok(Ok(request)) => asked.push(Ok(request)),
            Ok(Err(message)) => said.push(message),
            Err(error) => asked.push(Err(error)),
        }
    }
    if let Err(why) = hand_over(app, connection, asked, size) {
        return not_taken(None, why).into_response();
    }
    for message in said {
        RequestLog::taken(FACE, &message);
        requests::said(&app.gateway, &connection.client, message);
    }
    request_log::written(accepted())
}

/// Hands what wants an answer over to the stream.
fn hand_over(
    app: &App,
    connection: &Connection,
    asked: Vec<Result<Asked, FrameError>>,
    size: usize,
) -> Result<(), NotTaken> {
    let place = connection.place(asked.len(), size);
    connection.hand_over(asked, |part| match part {
        Ok(request) => requests::answering(&app.gateway, &connection.client, request, place.clone()),
        Err(error) => {
            RequestLog::unreadable(FACE);
            Answering::now(Item::legacy(answer::unreadable(&error).message))
        }
    })
}

/// All that answers comes on the stream.
fn accepted() -> Response {
    (StatusCode::ACCEPTED, "Accepted").into_response()
}

fn not_taken(id: Option<&Id>, why: NotTaken) -> JsonAnswer {
    let status = match why {
        NotTaken::Full => StatusCode::TOO_MANY_REQUESTS,
        NotTaken::Ended => StatusCode::NOT_FOUND,
    };
    refused(status, id, &why.to_string())
}
