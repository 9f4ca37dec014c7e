//! `GET /manage/v1/batch`: what a client that polls wants, in one answer.

use argus_api::{Batch, ErrorBody};
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::Error;
use super::{backends, capabilities, events, status};
use crate::app::App;

/// How much of it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// At most so many events, the newest.
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 20)]
    events_limit: usize,
}

fn usual_limit() -> usize {
    20
}

/// Status, backends, capabilities and recent events together.
#[utoipa::path(
    get,
    path = "/batch",
    tag = "service",
    params(Filter),
    responses(
        (status = OK, body = Batch),
        (status = BAD_REQUEST, body = ErrorBody),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody)
    )
)]
pub(super) async fn show(
    State(app): State<App>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<Batch>, Error> {
    let Query(filter) = filter?;
    if !events::LIMITS.contains(&filter.events_limit) {
        return Err(Error::Parameter("events_limit", "a number from 1 to 1000"));
    }
    Ok(Json(Batch {
        status: status::status(&app),
        backends: backends::backends(&app),
        capabilities: capabilities::capabilities(&app, &capabilities::Filter::default()),
        events: events::recent(&app, filter.events_limit),
    }))
}
