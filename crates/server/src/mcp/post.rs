//! `POST /mcp`: reads one body and finds out which era it is of.

use argus_gateway::RequestMeta;
use argus_protocol::{Frame, Message, header, method, version};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::accepts::Accepts;
use super::{answer, legacy, modern};
use crate::app::App;
use crate::body;

pub(crate) async fn handle(app: App, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let accepts = Accepts::of(&headers);
    if accepts.nothing() {
        let why = "Accept must name application/json and text/event-stream";
        return answer::refused(StatusCode::NOT_ACCEPTABLE, why).into_response();
    }
    if !is_json(&headers) {
        let why = "Content-Type must be application/json";
        return answer::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into_response();
    }
    let body = match body::read(&headers, body, app.max_body).await {
        Ok(body) => body,
        Err(error) => return answer::refused(error.status(), error.to_string()).into_response(),
    };
    match Frame::parse(body) {
        Err(error) => answer::unreadable(&error).into_response(),
        Ok(Frame::One(message)) if is_modern(&headers, &message) => {
            modern::handle(&app, &headers, accepts, message).await
        }
        Ok(Frame::One(message)) => match unknown_version(&headers, &message) {
            Some(refusal) => refusal,
            None => legacy::one(&app, &headers, accepts, message).await,
        },
        Ok(Frame::Batch(_)) if super::is_modern(&headers) => {
            answer::refused(StatusCode::BAD_REQUEST, "this revision has no batches").into_response()
        }
        Ok(Frame::Batch(messages)) => legacy::batch(&app, &headers, accepts, messages).await,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let media = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    media
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/json")
}

/// A request that names a version in its `_meta` is modern, whatever its method; `initialize` without is legacy; else
/// the header decides (MCP 2026-07-28 "Backward compatibility").
fn is_modern(headers: &HeaderMap, message: &Message) -> bool {
    let (Message::Request { params, .. } | Message::Notification { params, .. }) = message else {
        return super::is_modern(headers);
    };
    if RequestMeta::version_named(params.as_ref()).is_some() {
        return true;
    }
    let handshake = matches!(message, Message::Request { method, .. } if method == method::INITIALIZE);
    !handshake && super::is_modern(headers)
}

/// The refusal of a version header that means nothing here (MCP 2025-06-18: 400).
fn unknown_version(headers: &HeaderMap, message: &Message) -> Option<Response> {
    let named = headers.get(header::PROTOCOL_VERSION)?;
    let named = named.to_str().unwrap_or_default();
    let handshake = matches!(message, Message::Request { method, .. } if method == method::INITIALIZE);
    if handshake || version::LEGACY.contains(&named) {
        return None;
    }
    let id = match message {
        Message::Request { id, .. } => Some(id),
        _ => None,
    };
    let error = argus_gateway::unsupported_version(named);
    Some(answer::error(StatusCode::BAD_REQUEST, id, &error).into_response())
}
