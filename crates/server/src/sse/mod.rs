//! `/sse` and `/messages/`: HTTP+SSE (MCP 2024-11-05 "HTTP with SSE").
//!
//! `GET /sse` opens a stream whose first event names the URI that the client posts its messages to. A POST is answered
//! 202 and nothing more; all that answers it comes as an event on the stream. When the stream ends, everything that
//! belongs to it ends too.
//!
//! ```text
//! POST ── post ──> Connection ══> Conversation ── open ──> GET
//!                  what is taken   what is said
//! ```

mod connections;
mod open;
mod post;

pub(crate) use connections::Connections;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};

use crate::app::App;
use crate::mcp::answer;
use crate::peer;

/// What the log calls this face.
pub(crate) const FACE: &str = "sse";

/// Answers `/sse`.
pub(crate) async fn open(State(app): State<App>, request: Request) -> Response {
    if request.method() == Method::GET {
        open::handle(&app, request.headers(), peer::caller(request.extensions()))
    } else {
        not_allowed(
            "open a stream with GET, and post messages to the URI that its first event names",
            "GET",
        )
    }
}

/// Answers `/messages/`.
pub(crate) async fn post(State(app): State<App>, request: Request) -> Response {
    if request.method() == Method::POST {
        post::handle(app, request).await
    } else {
        not_allowed(
            "messages are posted here; open the stream of the answers with GET /sse",
            "POST",
        )
    }
}

fn not_allowed(why: &'static str, allowed: &'static str) -> Response {
    let mut response = answer::refused(StatusCode::METHOD_NOT_ALLOWED, why).into_response();
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
