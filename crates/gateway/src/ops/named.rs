//! What is called by its name: tools and prompts.

use std::sync::Arc;

use argus_protocol::{ByteString, Era, Raw, RpcError, code, method, shown};

use super::forward::{Forward, forward};
use super::{object, text};
use crate::catalogue::{Route, Snapshot};
use crate::client::Client;
use crate::core::Core;
use crate::relay::Reply;
use crate::tasks::AUGMENTATION;

/// A kind of capability that has names.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Tool,
    Prompt,
}

impl Kind {
    fn method(self) -> &'static str {
        match self {
            Self::Tool => method::TOOLS_CALL,
            Self::Prompt => method::PROMPTS_GET,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
        }
    }

    fn route(self, catalogue: &Snapshot, name: &str) -> Option<Route> {
        match self {
            Self::Tool => catalogue.tool(name).cloned(),
            Self::Prompt => catalogue.prompt(name).cloned(),
        }
    }
}

/// Hands a call to the backend of the name, in the backend's words.
pub(super) async fn call(core: &Arc<Core>, client: Client<'_>, params: Option<Raw>, kind: Kind) -> Reply {
    match resolved(core, client, params.as_ref(), kind).await {
        Err(error) => error.into(),
        Ok((route, params, augmented)) => {
            let request = Forward {
                method: ByteString::from_static(kind.method()),
                params: Some(params),
                name: Some(route.original),
                mirrored: route.mirrored,
                // A second task would be there for good.
                repeatable: route.repeatable && !augmented,
                augmented,
            };
            forward(core, client, &route.upstream, request).await
        }
    }
}

/// Where a call leads, its parameters in the backend's words, and whether it is to be run as a task.
async fn resolved(
    core: &Core,
    client: Client<'_>,
    params: Option<&Raw>,
    kind: Kind,
) -> Result<(Route, Raw, bool), RpcError> {
    let made;
    let read = match client.members() {
        Some(read) => read,
        None => {
            made = object(params)?;
            &made
        }
    };
    let name = text(read, "name")?;
    let route = find(core, client, &name, kind).await?;
    if let (Some(mirrored), Some(given)) = (&route.mirrored, client.given_headers()) {
        mirrored.check(read.get("arguments"), given)?;
    }
    let params = match params {
        Some(raw) if route.original == name => raw.clone(),
        _ => read.edit().set("name", Raw::string(&route.original)).finish(),
    };
    let augmented = client.era() == Era::Legacy && read.get(AUGMENTATION).is_some();
    Ok((route, params, augmented))
}

/// The backend of a name, if it is known.
pub(super) async fn backend_of(core: &Core, client: Client<'_>, name: &str, kind: Kind) -> Option<Arc<str>> {
    let route = find(core, client, name, kind).await.ok()?;
    Some(Arc::clone(route.upstream.name()))
}

/// Where a name leads; waits for backends that are just starting.
pub(super) async fn find(core: &Core, client: Client<'_>, name: &str, kind: Kind) -> Result<Route, RpcError> {
    let mut route = kind.route(&core.catalogues.of(client), name);
    if route.is_none() {
        core.startup.wait().await;
        route = kind.route(&core.catalogues.of(client), name);
    }
    let unknown = || format!("Unknown {}: {}", kind.word(), shown(name));
    route.ok_or_else(|| RpcError::new(code::INVALID_PARAMS, unknown()))
}
