//! `POST /manage/v1/reauth/{name}`. There are no logins at backends yet.

use argus_api::{ErrorBody, Reauth};
use argus_protocol::ByteString;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};

use super::FACE;
use super::error::Error;
use crate::app::App;
use crate::request_log::{Outcome, RequestLog};

/// Begins a login at a backend.
///
/// This version knows no logins: it always answers that none was begun, and why.
#[utoipa::path(
    post,
    path = "/reauth/{name}",
    tag = "backends",
    params(("name" = String, Path, description = "The name of the backend.")),
    responses(
        (status = OK, body = Reauth),
        (status = BAD_REQUEST, body = ErrorBody, description = "The path is malformed."),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody, description = "No backend has this name.")
    )
)]
pub(super) async fn begin(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Reauth>, Error> {
    let Path(name) = name?;
    if !app.gateway.inventory().iter().any(|backend| backend.name == name) {
        return Err(Error::NoBackend(name));
    }
    RequestLog::begin(FACE, &ByteString::from_static("reauth")).end(Outcome::Accepted);
    let why = "this version logs in nowhere; give the backend what it needs in `headers`, or in `env`, and reconnect";
    Ok(Json(Reauth {
        name,
        reauth_initiated: false,
        error: Some(why.to_owned()),
    }))
}
