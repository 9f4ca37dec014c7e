//! `POST /manage/v1/reconnect/{name}`.

use argus_api::{ErrorBody, Reconnected};
use argus_gateway::Action;
use axum::extract::State;
use axum::response::Response;

use super::steer::{Named, steer};
use crate::app::App;

/// Gives a backend new connections.
///
/// All connections to it are made anew, processes included; calls in flight may finish on the old ones within
/// `server.drain_timeout`. Sessions of clients stay. The answer comes when the backend is ready, or its first attempt has
/// failed, or after `server.management.reconnect_timeout`; when it failed, further attempts follow by themselves.
#[utoipa::path(
    post,
    path = "/reconnect/{name}",
    tag = "backends",
    params(("name" = String, Path, description = "The name of the backend.")),
    responses(
        (status = OK, body = Reconnected),
        (status = BAD_REQUEST, body = ErrorBody, description = "The path is malformed."),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody, description = "No backend has this name."),
        (status = CONFLICT, body = ErrorBody, description = "The backend is disabled."),
        (status = BAD_GATEWAY, body = Reconnected, description = "It cannot be connected to; `error` says why.")
    )
)]
pub(super) async fn reconnect(State(app): State<App>, name: Named) -> Response {
    let told = |name, error: Option<String>| Reconnected {
        name,
        reconnected: error.is_none(),
        error,
    };
    steer(&app, name, Action::Reconnect, told).await
}
