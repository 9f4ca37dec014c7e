//! `POST /manage/v1/prompts/get`.

use argus_api::{PromptGet, PromptResult};
use argus_gateway::Operation;
use axum::Json;
use axum::extract::{Request, State};
use axum::response::Response;

use super::call_errors::CallErrors;
use super::error::Error;
use super::{body, call};
use crate::app::App;
use crate::peer;

/// Gets a prompt.
///
/// The call takes the same way as one over MCP. Whoever closes the connection cancels it. A backend that asks its client
/// something within the call is refused.
#[utoipa::path(
    post,
    path = "/prompts/get",
    tag = "capabilities",
    request_body = PromptGet,
    responses(
        (status = OK, body = PromptResult),
        CallErrors
    )
)]
pub(super) async fn get(State(app): State<App>, request: Request) -> Response {
    call::logged(answered(&app, request).await)
}

async fn answered(app: &App, request: Request) -> Result<Json<PromptResult>, Error> {
    let caller = peer::caller(request.extensions());
    let PromptGet { prompt, arguments } = body::parse(&body::read(app, request).await?)?;
    let answered = call::call(app, caller, Operation::GetPrompt, &prompt, arguments.as_deref()).await?;
    Ok(Json(PromptResult {
        prompt,
        description: answered.text("description"),
        messages: answered.list("messages"),
        meta: answered.meta(),
        backend: answered.backend,
    }))
}
