//! `POST /manage/v1/resources/read`.

use argus_api::{ResourceRead, ResourceResult};
use argus_gateway::Operation;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;

use super::call_errors::CallErrors;
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
        CallErrors
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
