//! `POST /mcp`: reads one body and finds out which era it is of.

use argus_gateway::{Caller, ModernParams};
use argus_protocol::{Frame, Media, Message, method};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body::Body;

use super::accepts::Accepts;
use super::{answer, legacy, modern};
use crate::app::App;
use crate::{body, request_log};

pub(crate) async fn handle<B>(app: App, caller: Caller, request: Request<B>) -> Response
where
    B: Body<Data = Bytes> + Unpin,
{
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let accepts = Accepts::of(&headers);
    if accepts.nothing() {
        let why = "Accept must name application/json and text/event-stream";
        return answer::refused(StatusCode::NOT_ACCEPTABLE, why).into_response();
    }
    if Media::of(&headers) != Media::Json {
        let why = "Content-Type must be application/json";
        return answer::refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, why).into_response();
    }
    let body = match body::read(&headers, body, app.max_body).await {
        Ok(body) => body,
        Err(error) => return answer::refused(error.status(), error.to_string()).into_response(),
    };
    match Frame::from_client(body) {
        Err(error) => answer::unreadable(&error).into_response(),
        Ok(Frame::One(message)) => {
            let method = request_log::method_of(&message);
            request_log::named(one(&app, &headers, caller, accepts, message).await, method)
        }
        Ok(Frame::Batch(_)) if super::is_modern(&headers) => {
            answer::refused(StatusCode::BAD_REQUEST, "this revision has no batches").into_response()
        }
        Ok(Frame::Batch(messages)) => legacy::batch(&app, &headers, caller, accepts, messages).await,
    }
}

async fn one(app: &App, headers: &HeaderMap, caller: Caller, accepts: Accepts, message: Message) -> Response {
    let (handshake, id, params) = match &message {
        Message::Request { id, method, params } => (method == method::INITIALIZE, Some(id), params.as_ref()),
        Message::Notification { params, .. } => (false, None, params.as_ref()),
        Message::Response { .. } => (false, None, None),
    };
    // A request that names a version in its `_meta` is modern, whatever its method; `initialize` without is legacy;
    // else the header decides (MCP 2026-07-28 "Backward compatibility").
    let modern = ModernParams::of(params);
    if modern.is_some() || (!handshake && super::is_modern(headers)) {
        return modern::handle(app, headers, caller, accepts, message, modern).await;
    }
    match super::unknown_version(app, headers, id).filter(|_| !handshake) {
        Some(refusal) => refusal,
        None => legacy::one(app, headers, caller, accepts, message).await,
    }
}
