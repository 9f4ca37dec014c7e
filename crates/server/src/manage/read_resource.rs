//! `POST /manage/v1/resources/read`.

use argus_api::{ErrorBody, ResourceRead, ResourceResult};
use argus_gateway::Operation;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;

use super::error::Error;
use super::{body, call};
use crate::app::App;
use crate::peer;

/// Reads a resource.
///
/// The call takes the same way as one over MCP. Whoever closes the connection cancels it. A backend that asks its client
/// something within the call is refused.
#[utoipa::path(
    post,
    path = "/resources/read",
    tag = "capabilities",
    request_body = ResourceRead,
    responses(
        (status = OK, body = ResourceResult),
        (status = BAD_REQUEST, body = ErrorBody, description = "The body is malformed."),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody, description = "Nothing has this name."),
        (status = REQUEST_TIMEOUT, body = ErrorBody, description = "The body did not arrive in time."),
        (status = PAYLOAD_TOO_LARGE, body = ErrorBody, description = "The body is larger than `server.max_body_bytes`."),
        (status = BAD_GATEWAY, body = ErrorBody, description = "The backend answers with an error."),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody, description = "The backend cannot be reached."),
        (status = GATEWAY_TIMEOUT, body = ErrorBody, description = "The backend does not answer in time.")
    )
)]
pub(super) async fn read(State(app): State<App>, request: Request) -> Response {
    call::logged(answered(&app, request).await)
}

async fn answered(app: &App, request: Request) -> Result<Json<ResourceResult>, Error> {
    let caller = peer::caller(request.extensions());
    let ResourceRead { uri } = body::parse(&body::read(app, request).await?)?;
    let answered = call::call(app, caller, Operation::ReadResource, &uri, None).await?;
    Ok(Json(ResourceResult {
        uri,
        contents: answered.list("contents"),
        meta: answered.meta(),
        backend: answered.backend,
    }))
}
