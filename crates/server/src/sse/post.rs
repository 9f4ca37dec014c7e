//! `POST /messages/`: takes what a client says.

use std::sync::Arc;

use argus_protocol::{Frame, Id, Media, Message, RpcError, code};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::app::App;
use crate::body;
use crate::duplex::{self, Connection, NotTaken, Refusal, Taken, Why};
use crate::mcp::answer::{self, JsonAnswer};
use crate::request_log;

/// The part of the query that names the connection.
const ID: &str = "session_id";

pub(super) async fn handle(app: App, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if Media::of(&parts.headers) != Media::Json {
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
    let connection = match connection_of(&app, parts.uri.query(), &frame) {
        Ok(connection) => connection,
        Err(refusal) => return refusal.into_response(),
    };
    let method = match &frame {
        Frame::One(message) => request_log::method_of(message),
        Frame::Batch(_) => None,
    };
    let response = match duplex::take(&app.gateway, &connection, frame, size) {
        Ok(Taken::Logged) => request_log::written(accepted()),
        Ok(Taken::Unlogged) => accepted(),
        Err(refusal) => not_taken(&refusal).into_response(),
    };
    request_log::named(response, method)
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

/// All that answers comes on the stream.
fn accepted() -> Response {
    (StatusCode::ACCEPTED, "Accepted").into_response()
}

fn not_taken(refusal: &Refusal) -> JsonAnswer {
    let status = match refusal.why {
        Why::NoBatches(_) | Why::LongBatch(_) => StatusCode::BAD_REQUEST,
        Why::NotTaken(NotTaken::Full) => StatusCode::TOO_MANY_REQUESTS,
        Why::NotTaken(NotTaken::Ended) => StatusCode::NOT_FOUND,
    };
    refused(status, refusal.id.as_ref(), &refusal.why.to_string())
}
