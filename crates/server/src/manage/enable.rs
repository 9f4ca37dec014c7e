//! `POST /manage/v1/backends/{name}/enable`.

use argus_api::{BackendAction, ErrorBody};
use argus_gateway::Action;
use axum::extract::State;
use axum::response::Response;

use super::steer::{Named, act};
use crate::app::App;

/// Lets a disabled backend run again.
///
/// The answer comes when the backend is ready, or its first attempt has failed, or after
/// `server.management.reconnect_timeout`; when it failed, it stays enabled, and further attempts follow by themselves. One
/// that is enabled already stays as it is, and is answered for in the same way.
#[utoipa::path(
    post,
    path = "/backends/{name}/enable",
    tag = "backends",
    params(("name" = String, Path, description = "The name of the backend.")),
    responses(
        (status = OK, body = BackendAction),
        (status = BAD_REQUEST, body = ErrorBody, description = "The path is malformed."),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody, description = "No backend has this name."),
        (status = BAD_GATEWAY, body = BackendAction, description = "It cannot be connected to; `error` says why.")
    )
)]
pub(super) async fn enable(State(app): State<App>, name: Named) -> Response {
    act(&app, name, Action::Enable, "enabled").await
}
