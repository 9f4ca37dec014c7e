//! `GET /manage/v1/ready`: 200 when traffic can be served, else 503. Always public.

use argus_api::Ready;
use axum::Json;
use axum::extract::State;
use http::StatusCode;

use crate::app::App;

/// Whether the gateway is ready for traffic.
///
/// It is when at least one backend is connected, or none is to be. Needs no token.
#[utoipa::path(
    get,
    path = "/ready",
    tag = "service",
    responses(
        (status = OK, body = Ready, description = "Ready."),
        (status = SERVICE_UNAVAILABLE, body = Ready, description = "Not ready.")
    ),
    security(())
)]
pub(super) async fn show(State(app): State<App>) -> (StatusCode, Json<Ready>) {
    let (status, ready, reason) = match app.gateway.totals().ready() {
        true => (StatusCode::OK, true, "accepting traffic"),
        false => (StatusCode::SERVICE_UNAVAILABLE, false, "backends not connected"),
    };
    let reason = reason.to_owned();
    (status, Json(Ready { ready, reason }))
}
