//! `prompts/list` and `prompts/get`.

use std::sync::Arc;

use argus_protocol::{ByteString, Raw, RpcError, code, method, shown};

use super::forward::{Forward, forward};
use super::tools::page;
use super::{object, text};
use crate::catalogue::Route;
use crate::client::Client;
use crate::core::Core;
use crate::relay::Reply;

pub(crate) async fn list(core: &Core, client: Client<'_>, params: Option<&Raw>) -> Reply {
    core.startup.wait().await;
    page(core.catalogues.of(client).prompts.page(params, client.era()))
}

pub(crate) async fn get(core: &Arc<Core>, client: Client<'_>, params: Option<Raw>) -> Reply {
    match named(core, client, params.as_ref()).await {
        Err(error) => error.into(),
        Ok((route, params)) => {
            let request = Forward {
                method: ByteString::from_static(method::PROMPTS_GET),
                params: Some(params),
                name: Some(route.original),
            };
            forward(core, client, &route.upstream, request).await
        }
    }
}

async fn named(core: &Core, client: Client<'_>, params: Option<&Raw>) -> Result<(Route, Raw), RpcError> {
    let read = object(params)?;
    let name = text(&read, "name")?;
    let route = find(core, client, &name).await?;
    let params = match params {
        Some(raw) if route.original == name => raw.clone(),
        _ => read.edit().set("name", Raw::string(&route.original)).finish(),
    };
    Ok((route, params))
}

/// Where a prompt leads; waits for backends that are just starting.
pub(super) async fn find(core: &Core, client: Client<'_>, name: &str) -> Result<Route, RpcError> {
    let mut route = core.catalogues.of(client).prompt(name).cloned();
    if route.is_none() {
        core.startup.wait().await;
        route = core.catalogues.of(client).prompt(name).cloned();
    }
    route.ok_or_else(|| RpcError::new(code::INVALID_PARAMS, format!("Unknown prompt: {}", shown(name))))
}
