//! `tools/list` and `tools/call`.

use std::sync::Arc;

use argus_protocol::{ByteString, Raw, RpcError, code, method, shown};

use super::forward::{Forward, forward};
use super::{object, text};
use crate::catalogue::{BadCursor, Route};
use crate::client::Client;
use crate::core::Core;
use crate::relay::Reply;

pub(crate) async fn list(core: &Core, client: Client<'_>, params: Option<&Raw>) -> Reply {
    core.startup.wait().await;
    page(core.catalogues.of(client).tools.page(params, client.era()))
}

/// The answer with one page of a list.
pub(super) fn page(page: Result<Raw, BadCursor>) -> Reply {
    match page {
        Ok(page) => Reply::result(page),
        Err(error) => RpcError::new(code::INVALID_PARAMS, format!("params.cursor: {error}")).into(),
    }
}

pub(crate) async fn call(core: &Arc<Core>, client: Client<'_>, params: Option<Raw>) -> Reply {
    match named(core, client, params.as_ref()).await {
        Err(error) => error.into(),
        Ok((route, params)) => {
            let request = Forward {
                method: ByteString::from_static(method::TOOLS_CALL),
                params: Some(params),
                name: Some(route.original),
            };
            forward(core, client, &route.upstream, request).await
        }
    }
}

/// Where a call leads, and its parameters in the backend's words.
async fn named(core: &Core, client: Client<'_>, params: Option<&Raw>) -> Result<(Route, Raw), RpcError> {
    let read = object(params)?;
    let name = text(&read, "name")?;
    let mut route = core.catalogues.of(client).tool(&name).cloned();
    if route.is_none() {
        core.startup.wait().await;
        route = core.catalogues.of(client).tool(&name).cloned();
    }
    let route = route.ok_or_else(|| RpcError::new(code::INVALID_PARAMS, format!("Unknown tool: {}", shown(&name))))?;
    let params = match params {
        Some(raw) if route.original == name => raw.clone(),
        _ => read.edit().set("name", Raw::string(&route.original)).finish(),
    };
    Ok((route, params))
}
