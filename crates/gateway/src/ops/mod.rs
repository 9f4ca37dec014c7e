//! What the gateway does for each method; one file per family.

pub(crate) mod cached;
pub(crate) mod completion;
pub(crate) mod forward;
pub(crate) mod lifecycle;
pub(crate) mod logging;
pub(crate) mod mrtr;
mod named;
pub(crate) mod notifications;
pub(crate) mod passthrough;
pub(crate) mod prompts;
pub(crate) mod resources;
pub(crate) mod subscriptions;
mod task_list;
pub(crate) mod tasks;
pub(crate) mod tools;
pub(crate) mod urls;

use std::sync::Arc;

use argus_protocol::{ByteString, Object, Raw, RpcError, code, method, shown};

use crate::catalogue::BadCursor;
use crate::client::Client;
use crate::core::Core;
use crate::modern::ModernRequest;
use crate::relay::Reply;
use crate::session::Session;

/// Longer URIs are refused: they are kept with subscriptions, matched with every template and sent in a header.
pub(crate) const MAX_URI: usize = 8 * 1024;

/// Answers a request of a legacy session.
pub(crate) async fn legacy(
    core: &Arc<Core>,
    session: &Arc<Session>,
    method: &ByteString,
    params: Option<Raw>,
) -> Reply {
    let client = Client::from(session);
    match &**method {
        method::PING => Reply::result(Raw::empty_object()),
        method::INITIALIZE => RpcError::new(code::INVALID_REQUEST, "this session is initialized already").into(),
        method::SET_LEVEL => logging::set_level(session, params.as_ref()).await,
        method::RESOURCES_SUBSCRIBE => subscriptions::subscribe(core, session, params).await,
        method::RESOURCES_UNSUBSCRIBE => subscriptions::unsubscribe(core, session, params).await,
        method::TASKS_RESULT => tasks::about(core, client, method, params).await,
        method::TASKS_LIST => task_list::list(core, session, params.as_ref()).await,
        method::TASKS_UPDATE => unknown(method),
        _ => either(core, client, method, params).await,
    }
}

/// Answers a request of a modern client; `subscriptions/listen` has its own way.
pub(crate) async fn modern(core: &Arc<Core>, request: &Arc<ModernRequest>) -> Reply {
    match &*request.method {
        method::DISCOVER => lifecycle::discover(core).await,
        // These ended with the handshake (MCP 2026-07-28 "Removed methods").
        method::PING
        | method::INITIALIZE
        | method::SET_LEVEL
        | method::RESOURCES_SUBSCRIBE
        | method::RESOURCES_UNSUBSCRIBE
        | method::TASKS_RESULT
        | method::TASKS_LIST => unknown(&request.method),
        method::TASKS_UPDATE => {
            tasks::about(core, Client::from(request), &request.method, request.params.clone()).await
        }
        _ => either(core, Client::from(request), &request.method, request.params.clone()).await,
    }
}

/// The methods that both eras have.
async fn either(core: &Arc<Core>, client: Client<'_>, method: &ByteString, params: Option<Raw>) -> Reply {
    match &**method {
        method::TOOLS_LIST => tools::list(core, client, params.as_ref()).await,
        method::TOOLS_CALL => tools::call(core, client, params).await,
        method::RESOURCES_LIST => resources::list(core, client, params.as_ref()).await,
        method::TEMPLATES_LIST => resources::list_templates(core, client, params.as_ref()).await,
        method::RESOURCES_READ => resources::read(core, client, params).await,
        method::PROMPTS_LIST => prompts::list(core, client, params.as_ref()).await,
        method::PROMPTS_GET => prompts::get(core, client, params).await,
        method::COMPLETE => completion::complete(core, client, params).await,
        method::TASKS_GET | method::TASKS_CANCEL => tasks::about(core, client, method, params).await,
        _ => passthrough::pass(core, client, method, params).await,
    }
}

/// The answer to a method that is not offered.
pub(crate) fn unknown(method: &str) -> Reply {
    RpcError::new(
        code::METHOD_NOT_FOUND,
        format!("the method {} is not offered here", shown(method)),
    )
    .into()
}

/// Parameters that must be there, as an object.
pub(crate) fn object(params: Option<&Raw>) -> Result<Object, RpcError> {
    let params = params.ok_or_else(|| RpcError::new(code::INVALID_PARAMS, "params are required"))?;
    Object::parse(params).map_err(|error| RpcError::new(code::INVALID_PARAMS, format!("params: {error}")))
}

/// A member of the parameters that must be a string.
pub(crate) fn text(params: &Object, member: &str) -> Result<ByteString, RpcError> {
    params
        .get_str(member)
        .ok_or_else(|| RpcError::new(code::INVALID_PARAMS, format!("params.{member} must be a string")))
}

/// The member `uri` of the parameters.
pub(crate) fn uri(params: &Object) -> Result<ByteString, RpcError> {
    let uri = text(params, "uri")?;
    bounded(&uri).map(|()| uri)
}

/// Refuses a URI that is too long.
pub(crate) fn bounded(uri: &str) -> Result<(), RpcError> {
    if uri.len() <= MAX_URI {
        return Ok(());
    }
    let why = format!("a URI of {} bytes is too long; at most {MAX_URI} are taken", uri.len());
    Err(RpcError::new(code::INVALID_PARAMS, why))
}

/// The answer with one page of a list.
fn page(page: Result<Raw, BadCursor>) -> Reply {
    match page {
        Ok(page) => Reply::result(page),
        Err(error) => RpcError::new(code::INVALID_PARAMS, format!("params.cursor: {error}")).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_uris_are_refused() {
        assert!(bounded(&"x".repeat(MAX_URI)).is_ok());
        let refused = bounded(&"x".repeat(MAX_URI + 1)).unwrap_err();
        assert_eq!(refused.code, code::INVALID_PARAMS);
        assert!(refused.message.contains("8192"), "{}", refused.message);
    }
}
