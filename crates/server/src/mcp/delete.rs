//! `DELETE /mcp`: a client ends its legacy session.

use argus_gateway::Caller;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use super::legacy;
use crate::app::App;

pub(crate) fn handle(app: &App, headers: &HeaderMap, caller: Caller) -> Response {
    match legacy::session_of(app, headers, caller, None) {
        Err(refusal) => refusal.into_response(),
        Ok(session) => {
            // Another request may have ended it in between; it is gone either way.
            let _ = app.gateway.close_session(session.id());
            StatusCode::NO_CONTENT.into_response()
        }
    }
}
