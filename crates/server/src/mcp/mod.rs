//! `/mcp`: Streamable HTTP, legacy sessions and stateless modern requests on the same path.

mod accepts;
pub(crate) mod answer;
mod delete;
mod get;
mod legacy;
mod messages;
mod modern;
mod post;
mod respond;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::ALLOW;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use argus_protocol::{header, version};

use crate::app::App;

/// Hands a request to the file of its HTTP method.
pub(crate) async fn handle(State(app): State<App>, request: Request) -> Response {
    let method = request.method();
    if method == Method::POST {
        post::handle(app, request).await
    } else if method == Method::GET && !is_modern(request.headers()) {
        get::handle(&app, request.headers())
    } else if method == Method::DELETE && !is_modern(request.headers()) {
        delete::handle(&app, request.headers())
    } else {
        not_allowed(request.headers())
    }
}

/// Modern clients have nothing but POST (MCP 2026-07-28 "Streamable HTTP").
fn is_modern(headers: &HeaderMap) -> bool {
    headers
        .get(header::PROTOCOL_VERSION)
        .is_some_and(|value| value == version::MODERN)
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
