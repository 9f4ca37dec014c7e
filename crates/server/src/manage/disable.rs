//! `POST /manage/v1/backends/{name}/disable`.

use argus_api::{BackendAction, ErrorBody};
use argus_gateway::Action;
use axum::extract::State;
use axum::response::Response;

use super::steer::{Named, act};
use crate::app::App;

/// Stops a backend until it is enabled.
///
/// Its capabilities are gone at once, it counts in none of health's numbers, and its connections and processes end; calls
/// in flight may finish within `server.drain_timeout`. It stays disabled when the configuration is reloaded and when the
/// gateway is started again.
#[utoipa::path(
    post,
    path = "/backends/{name}/disable",
    tag = "backends",
    params(("name" = String, Path, description = "The name of the backend.")),
    responses(
        (status = OK, body = BackendAction),
        (status = BAD_REQUEST, body = ErrorBody, description = "The path is malformed."),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody, description = "No backend has this name."),
        (status = BAD_GATEWAY, body = BackendAction, description = "The gateway is stopping.")
    )
)]
pub(super) async fn disable(State(app): State<App>, name: Named) -> Response {
    act(&app, name, Action::Disable, "disabled").await
}
