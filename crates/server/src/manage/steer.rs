//! What is done to one backend.

use argus_api::BackendAction;
use argus_gateway::{Action, SteerError};
use argus_protocol::ByteString;
use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use super::FACE;
use super::error::Error;
use crate::app::App;
use crate::request_log::{Outcome, RequestLog, written};

/// The name in a path.
pub(super) type Named = Result<Path<String>, PathRejection>;

/// Has an action done whose answer is a [`BackendAction`].
pub(super) async fn act(app: &App, name: Named, action: Action, done: &str) -> Response {
    let told = |name, error: Option<String>| BackendAction {
        name,
        action: done.to_owned(),
        ok: error.is_none(),
        error,
    };
    steer(app, name, action, told).await
}

/// Has an action done and answers with what is `told` of it. One that came to nothing is a 502 with the cause.
pub(super) async fn steer<T: Serialize>(
    app: &App,
    name: Named,
    action: Action,
    told: impl FnOnce(String, Option<String>) -> T,
) -> Response {
    let name = match name {
        Ok(Path(name)) => name,
        Err(malformed) => return Error::from(malformed).into_response(),
    };
    let mut log = RequestLog::begin(FACE, &ByteString::from_static(action.as_str()));
    let response = match app.gateway.steer(&name, action).await {
        Ok(()) => Json(told(name, None)).into_response(),
        Err(SteerError::Failed(why)) => (StatusCode::BAD_GATEWAY, Json(told(name, Some(why)))).into_response(),
        Err(SteerError::Unknown(name)) => Error::NoBackend(name).into_response(),
        Err(disabled @ SteerError::Disabled(_)) => Error::Steer(disabled).into_response(),
    };
    log.end(match response.status() {
        StatusCode::OK => Outcome::Accepted,
        refused => Outcome::Refused(refused),
    });
    written(response)
}
