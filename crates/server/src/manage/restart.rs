//! `POST /manage/v1/backends/{name}/restart`.

use argus_api::{BackendAction, ErrorBody};
use argus_gateway::Action;
use axum::extract::State;
use axum::response::Response;

use super::steer::{Named, act};
use crate::app::App;

/// Restarts a backend.
///
/// Its processes end, and others are started then; calls in flight may finish first within `server.drain_timeout`, and
/// new ones wait. A backend without a process of the gateway's gets new connections. The answer comes as that of a
/// reconnect.
#[utoipa::path(
    post,
    path = "/backends/{name}/restart",
    tag = "backends",
    params(("name" = String, Path, description = "The name of the backend.")),
    responses(
        (status = OK, body = BackendAction),
        (status = BAD_REQUEST, body = ErrorBody, description = "The path is malformed."),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody, description = "No backend has this name."),
        (status = CONFLICT, body = ErrorBody, description = "The backend is disabled."),
        (status = BAD_GATEWAY, body = BackendAction, description = "It cannot be connected to; `error` says why.")
    )
)]
pub(super) async fn restart(State(app): State<App>, name: Named) -> Response {
    act(&app, name, Action::Restart, "restarted").await
}
