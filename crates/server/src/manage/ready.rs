//! `GET /manage/v1/ready`: 200 when traffic can be served, else 503. Always public.

use argus_gateway::Readiness;
use axum::Json;
use axum::extract::State;
use http::StatusCode;

use crate::app::App;

pub(crate) async fn show(State(app): State<App>) -> (StatusCode, Json<Readiness>) {
    let readiness = app.gateway.readiness();
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness))
}
