//! `POST /manage/v1/reload`.

use argus_api::{ErrorBody, Reloaded};
use argus_protocol::ByteString;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::FACE;
use super::error::Error;
use crate::app::App;
use crate::request_log::{Outcome, RequestLog, written};

/// Reads the configuration again and makes it take effect.
///
/// A configuration with errors changes nothing: `reloaded` is false then, and `errors` has all of them. Calls in flight
/// on a backend that is removed, or reached in another way, may finish within `server.drain_timeout`.
#[utoipa::path(
    post,
    path = "/reload",
    tag = "service",
    responses(
        (status = OK, body = Reloaded),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = CONFLICT, body = ErrorBody, description = "`feature_flags.hot_reload` is false.")
    )
)]
pub(super) async fn reload(State(app): State<App>) -> Result<Response, Error> {
    if !app.gateway.config().feature_flags.hot_reload {
        return Err(crate::reload::Disabled.into());
    }
    match &app.running.service.reloader {
        Some(reloader) => {
            let mut log = RequestLog::begin(FACE, &ByteString::from_static("reload"));
            let reloaded = reloader.reload().await;
            log.end(match &reloaded {
                Ok(_) => Outcome::Accepted,
                Err(_) => Outcome::Refused(StatusCode::CONFLICT),
            });
            Ok(written(reloaded.map(Json).map_err(Error::from).into_response()))
        }
        None => Ok(Json(Reloaded {
            errors: vec![
                "the gateway was started without a configuration file; start it with --config for reloads".to_owned(),
            ],
            ..Reloaded::default()
        })
        .into_response()),
    }
}
