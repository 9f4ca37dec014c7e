//! `resources/list`, `resources/templates/list` and `resources/read`.

use std::sync::Arc;
use std::time::Duration;

use argus_protocol::error::code_of;
use argus_protocol::{Answer, ByteString, Era, Raw, RpcError, code, method};
use argus_upstream::{Event, Upstream};

use super::cached;
use super::forward::Forward;
use super::{object, page, uri};
use crate::client::Client;
use crate::core::Core;
use crate::relay::{Relay, Reply};

/// How long a backend that is asked on the chance that it knows a URI may be silent before the next one is asked.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn list(core: &Core, client: Client<'_>, params: Option<&Raw>) -> Reply {
    core.startup.wait().await;
    page(core.catalogues.of(client).resources.page(params, client.era()))
}

pub(crate) async fn list_templates(core: &Core, client: Client<'_>, params: Option<&Raw>) -> Reply {
    core.startup.wait().await;
    page(core.catalogues.of(client).templates.page(params, client.era()))
}

pub(crate) async fn read(core: &Arc<Core>, client: Client<'_>, params: Option<Raw>) -> Reply {
    read_at(core, client, params).await.1
}

/// The same, with the backend that answers; `None` where none is asked.
pub(crate) async fn read_at(
    core: &Arc<Core>,
    client: Client<'_>,
    params: Option<Raw>,
) -> (Option<Arc<Upstream>>, Reply) {
    let uri = match object(params.as_ref()).and_then(|read| uri(&read)) {
        Ok(uri) => uri,
        Err(error) => return (None, error.into()),
    };
    let mut readers = readers_of(core, client, &uri).await;
    let request = || Forward {
        method: ByteString::from_static(method::RESOURCES_READ),
        params: params.clone(),
        name: Some(uri.clone()),
        repeatable: true,
        mirrored: None,
        augmented: false,
    };
    match readers.pop() {
        None => (None, not_found(client.era(), &uri).into()),
        Some(last) => {
            for upstream in readers {
                // What is dropped here is cancelled at the backend.
                let asked = tokio::time::timeout(PATIENCE, cached::read(core, client, &upstream, request())).await;
                match asked {
                    Ok(Reply::Relay(relay)) => {
                        if let Some(found) = first_try(relay).await {
                            return (Some(upstream), found);
                        }
                    }
                    // It is kept, or its call was.
                    Ok(found @ (Reply::Now(Answer::Result(_)) | Reply::Ended { .. })) => {
                        return (Some(upstream), found);
                    }
                    Ok(Reply::Now(Answer::Error(_))) | Err(_) => {}
                }
            }
            let reply = cached::read(core, client, &last, request()).await;
            (Some(last), reply)
        }
    }
}

/// The backends to ask for a URI; waits for backends that are just starting.
pub(super) async fn readers_of(core: &Core, client: Client<'_>, uri: &str) -> Vec<Arc<Upstream>> {
    let readers = core.catalogues.of(client).readers_of(uri);
    if readers.len() == 1 {
        return readers;
    }
    core.startup.wait().await;
    core.catalogues.of(client).readers_of(uri)
}

/// The answer of a backend that was asked on the chance that it knows the URI; `None` when it does not, cannot be
/// reached or says nothing, so that the next one is asked.
async fn first_try(mut relay: Box<Relay>) -> Option<Reply> {
    loop {
        match tokio::time::timeout(PATIENCE, relay.next()).await.ok()?? {
            Event::Outcome(Answer::Error(error)) if knows_not(&error) => return None,
            Event::Outcome(answer) => return Some(Reply::Now(answer)),
            Event::Ask(ask) => ask.reply.refuse("a resource that may not exist is no reason to ask"),
            Event::Notification { .. } | Event::AskWithdrawn(_) => {}
        }
    }
}

/// Whether an error says no more than that this backend has nothing under the URI, or cannot say.
fn knows_not(error: &Raw) -> bool {
    matches!(
        code_of(error),
        Some(
            code::RESOURCE_NOT_FOUND
                | code::INVALID_PARAMS
                | code::METHOD_NOT_FOUND
                | code::BACKEND_UNAVAILABLE
                | code::BACKEND_TIMEOUT
                | code::BACKEND_RESTING
        )
    )
}

/// The error for a URI that nobody knows, in the client's words (MCP 2025-11-25: -32002; 2026-07-28: -32602).
pub(super) fn not_found(era: Era, uri: &str) -> RpcError {
    let code = match era {
        Era::Legacy => code::RESOURCE_NOT_FOUND,
        Era::Modern => code::INVALID_PARAMS,
    };
    RpcError::new(code, "Resource not found").with_data(serde_json::json!({ "uri": uri }))
}
