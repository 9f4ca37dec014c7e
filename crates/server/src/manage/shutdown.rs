//! `POST /manage/v1/shutdown`.

use std::time::Duration;

use argus_api::{ErrorBody, Shutdown, ShutdownRequest};
use argus_protocol::ByteString;
use axum::Json;
use axum::extract::{Request, State};

use super::error::Error;
use super::{FACE, body};
use crate::app::App;
use crate::request_log::{Outcome, RequestLog};

/// The longest time that calls in flight can be given, in seconds.
const LONGEST: u64 = 300;

/// Stops the gateway.
///
/// It takes no new connections, lets calls in flight finish, stops all backends and exits.
#[utoipa::path(
    post,
    path = "/shutdown",
    tag = "service",
    request_body = Option<ShutdownRequest>,
    responses(
        (status = OK, body = Shutdown),
        (status = BAD_REQUEST, body = ErrorBody, description = "The body is malformed."),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = REQUEST_TIMEOUT, body = ErrorBody, description = "The body did not arrive in time."),
        (status = PAYLOAD_TOO_LARGE, body = ErrorBody, description = "The body is larger than `server.max_body_bytes`.")
    )
)]
pub(super) async fn begin(State(app): State<App>, request: Request) -> Result<Json<Shutdown>, Error> {
    let body = body::read(&app, request).await?;
    let wanted = match body.trim_ascii() {
        [] | b"null" => ShutdownRequest::default(),
        body => body::parse(body)?,
    };
    let patience = match wanted.timeout_seconds {
        Some(seconds @ 1..=LONGEST) => Some(Duration::from_secs(seconds)),
        Some(_) => return Err(Error::Timeout(LONGEST)),
        None => None,
    };
    RequestLog::begin(FACE, &ByteString::from_static("shutdown")).end(Outcome::Accepted);
    tracing::info!("stopping, as the management API was asked to");
    app.running.stop.begin(patience);
    Ok(Json(Shutdown { shutting_down: true }))
}
