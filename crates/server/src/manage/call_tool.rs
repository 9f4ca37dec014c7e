//! `POST /manage/v1/tools/call`.

use argus_api::{ToolCall, ToolResult};
use argus_gateway::Operation;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;

use super::call_errors::CallErrors;
use super::error::Error;
use super::{body, call};
use crate::app::App;
use crate::peer;

/// Calls a tool.
///
/// The call takes the same way as one over MCP. Whoever closes the connection cancels it. A backend that asks its client
/// something within the call is refused.
#[utoipa::path(
    post,
    path = "/tools/call",
    tag = "capabilities",
    request_body = ToolCall,
    responses(
        (status = OK, body = ToolResult),
        CallErrors
    )
)]
pub(super) async fn call(State(app): State<App>, request: Request) -> Response {
    call::logged(answered(&app, request).await)
}

async fn answered(app: &App, request: Request) -> Result<Json<ToolResult>, Error> {
    let caller = peer::caller(request.extensions());
    let ToolCall { tool, arguments } = body::parse(&body::read(app, request).await?)?;
    let answered = call::call(app, caller, Operation::CallTool, &tool, arguments.as_deref()).await?;
    Ok(Json(ToolResult {
        tool,
        content: answered.list("content"),
        structured_content: answered.raw("structuredContent"),
        is_error: answered.is_true("isError"),
        meta: answered.meta(),
        backend: answered.backend,
    }))
}
