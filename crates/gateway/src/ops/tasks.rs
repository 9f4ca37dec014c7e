//! `tasks/get`, `tasks/cancel`, `tasks/result` of MCP 2025-11-25 and `tasks/update` of 2026-07-28: they go where the task
//! is.

use std::pin::pin;
use std::sync::Arc;

use argus_protocol::{ByteString, Object, Raw, RpcError, capability, code, method};
use argus_upstream::{CallEnd, CallLink, CallMethod, LinkError};

use super::forward::{Forward, on_link};
use super::{object, text, unknown};
use crate::client::Client;
use crate::core::Core;
use crate::modern::ModernRequest;
use crate::relay::{Finish, Reply};
use crate::tasks::{self, Ids};

/// Hands a request about a task to the backend that has it.
pub(crate) async fn about(core: &Arc<Core>, client: Client<'_>, method: &ByteString, params: Option<Raw>) -> Reply {
    if let Client::Modern(request) = client
        && let Err(error) = declared(request)
    {
        return nothing(core, client, method, error).await;
    }
    let found = object(params.as_ref()).and_then(|read| Ok((text(&read, "taskId")?, read)));
    let (exposed, read) = match found {
        Ok(found) => found,
        Err(error) => return nothing(core, client, method, error).await,
    };
    let led = Ids::of(&core.seal, client).lead(&exposed);
    let upstream = led.as_ref().and_then(|(backend, _)| core.inventory().named(backend));
    let (Some(upstream), Some((backend, id))) = (upstream, &led) else {
        return nothing(core, client, method, not_found()).await;
    };
    if let Client::Legacy(session) = client
        && !tasks::known(core, session, &upstream, id)
    {
        return nothing(core, client, method, not_found()).await;
    }
    let waits = method == method::TASKS_RESULT;
    let request = Forward {
        method: method.clone(),
        params: Some(read.edit().set("taskId", Raw::string(id)).finish()),
        name: Some(id.as_str().into()),
        repeatable: waits || method == method::TASKS_GET,
        augmented: false,
        mirrored: None,
    };
    let ready = async {
        // What waits for the end of a task must not keep it from being cancelled.
        let named = CallMethod::from(&**method);
        let mut turn = match waits {
            true => core.beside(&upstream, named)?,
            false => core.turn(&upstream, named).await?,
        };
        let link = {
            let making = pin!(client.link(core, turn.upstream()));
            turn.connecting(making).await
        };
        let link = link.inspect_err(|cause| turn.unconnected(cause))?;
        Ok((turn, link))
    };
    let mut reply = match ready.await {
        Ok((mut turn, link)) if link.era() != client.era() => {
            turn.over(CallEnd::Error);
            return not_found().into();
        }
        Ok((turn, link)) => on_link(core, client, turn, CallLink::Shared(link), request).await,
        Err(error) => return LinkError::to_rpc(&error, backend).into(),
    };
    if let Reply::Relay(relay) = &mut reply {
        relay.finish = Finish::OfTask { exposed };
    }
    reply
}

/// The answer to a request that is not passed on: where no backend has tasks of the client's era, the method is unknown.
async fn nothing(core: &Core, client: Client<'_>, method: &str, error: RpcError) -> Reply {
    core.startup.wait().await;
    match tasks::offers(core, client.era()) {
        true => error.into(),
        false => unknown(method),
    }
}

/// A result about a task, which has the id again that the client named.
pub(crate) fn answered(method: &str, result: Raw, exposed: &str) -> Raw {
    let named = |_: &str| Some(exposed.to_owned());
    let reworded = match method {
        // The result of the call that began the task.
        method::TASKS_RESULT => tasks::with_related(&result, named),
        _ => tasks::renamed(&result, named),
    };
    reworded.unwrap_or(result)
}

/// Only who declares the extension may ask after tasks (SEP-2663 "Protocol errors").
pub(crate) fn declared(request: &ModernRequest) -> Result<(), RpcError> {
    let extensions = Object::parse(&request.meta.capabilities)
        .ok()
        .and_then(|read| read.get_object(capability::EXTENSIONS));
    if extensions.is_some_and(|extensions| extensions.get(capability::TASKS_EXTENSION).is_some()) {
        return Ok(());
    }
    let why = format!("declare the extension {} to use tasks", capability::TASKS_EXTENSION);
    let needed = serde_json::json!({ capability::EXTENSIONS: { capability::TASKS_EXTENSION: {} } });
    let data = serde_json::json!({ "requiredCapabilities": needed });
    Err(RpcError::new(code::MISSING_CLIENT_CAPABILITY, why).with_data(data))
}

/// The error for an id of no task, or of somebody else's (MCP "Tasks", "Protocol errors").
fn not_found() -> RpcError {
    RpcError::new(code::INVALID_PARAMS, "Task not found")
}
