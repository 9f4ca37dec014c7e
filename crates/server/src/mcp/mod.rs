//! `/mcp`: Streamable HTTP, legacy sessions and stateless modern requests on the same path.

pub(crate) mod accepts;
pub(crate) mod answer;
mod delete;
mod get;
mod held;
pub(crate) mod legacy;
pub(crate) mod messages;
pub(crate) mod modern;
pub(crate) mod post;
pub(crate) mod respond;
mod resume;
mod unread;
mod waiting;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::ALLOW;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use argus_protocol::{Id, header, version};

use crate::app::App;
use crate::peer;

/// What the log calls this face.
pub(crate) const FACE: &str = "mcp";

/// Hands a request to the file of its HTTP method.
pub(crate) async fn handle(State(app): State<App>, request: Request) -> Response {
    let (method, headers) = (request.method(), request.headers());
    if method == Method::POST {
        return post::handle(app, peer::caller(request.extensions()), request).await;
    }
    if is_modern(headers) || (method != Method::GET && method != Method::DELETE) {
        return not_allowed(headers);
    }
    let caller = peer::caller(request.extensions());
    match unknown_version(&app, headers, None) {
        Some(refusal) => refusal,
        None if method == Method::GET => get::handle(&app, headers, caller),
        None => delete::handle(&app, headers, caller),
    }
}

/// The refusal of a version header that means nothing to a legacy request (MCP 2025-06-18: 400).
fn unknown_version(app: &App, headers: &HeaderMap, id: Option<&Id>) -> Option<Response> {
    let all = headers.get_all(header::PROTOCOL_VERSION).iter();
    let mut all = all.map(|named| named.to_str().unwrap_or_default());
    let named = all.find(|named| !version::LEGACY.contains(named))?;
    let error = argus_gateway::unsupported_version(named, app.gateway.spoken());
    Some(answer::error(StatusCode::BAD_REQUEST, id, &error).into_response())
}

/// Whether the headers name the modern version, if only among others: who is on the way may have believed that one, and
/// with it what else the headers say.
fn is_modern(headers: &HeaderMap) -> bool {
    let mut named = headers.get_all(header::PROTOCOL_VERSION).iter();
    named.any(|value| value == version::MODERN)
}

fn not_allowed(headers: &HeaderMap) -> Response {
    let allowed = if is_modern(headers) {
        "POST"
    } else {
        "GET, POST, DELETE"
    };
    let mut response =
        answer::refused(StatusCode::METHOD_NOT_ALLOWED, "this HTTP method has no meaning here").into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
