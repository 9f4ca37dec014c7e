//! `GET /manage/v1/health`: always public, always 200 while the gateway lives.

use argus_gateway::Health;
use axum::Json;
use axum::extract::State;

use crate::app::App;

pub(crate) async fn show(State(app): State<App>) -> Json<Health> {
    Json(app.gateway.health())
}
