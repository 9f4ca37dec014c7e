//! `initialize` and `server/discover`.

use std::sync::Arc;

use argus_config::Sharing;
use argus_protocol::{Raw, RpcError, code, meta, version};
use argus_upstream::{Declared, Upstream, own_info};

use super::{object, text};
use crate::core::Core;
use crate::own_link::own_link;
use crate::relay::Reply;
use crate::session::{Caller, Life, Session};
use crate::tasks;

/// The longest `capabilities` or `clientInfo` in bytes: they are kept with the session. Icons may be in them.
const MAX_DECLARED: usize = 64 * 1024;

/// Opens a legacy session (MCP 2025-11-25 "Lifecycle").
pub(crate) async fn initialize(
    core: &Core,
    params: Option<&Raw>,
    caller: Caller,
    life: Life,
) -> Result<(Arc<Session>, Raw), RpcError> {
    let params = object(params)?;
    let asked = text(&params, "protocolVersion")?;
    if !core.has_sessions() {
        return Err(no_sessions(&asked));
    }
    let declared = Declared {
        capabilities: match params.get("capabilities") {
            Some(capabilities) => kept("capabilities", capabilities)?,
            None => Raw::empty_object(),
        },
        client_info: params
            .get("clientInfo")
            .map(|info| kept("clientInfo", info))
            .transpose()?,
    };
    if !declared.capabilities.as_str().starts_with('{') {
        return Err(RpcError::new(
            code::INVALID_PARAMS,
            "params.capabilities must be an object",
        ));
    }
    core.startup.wait().await;
    let session = core
        .open_session(version::negotiate(&asked), declared, caller, life)
        .map_err(|error| RpcError::new(code::INTERNAL_ERROR, error.to_string()))?;
    begin_own_links(core, &session);
    let result = initialize_result(core, session.version());
    Ok((session, result))
}

/// The answer to a client that wants a session where there are none; it says what is spoken, so that a client that
/// speaks both can go on.
fn no_sessions(asked: &str) -> RpcError {
    let message = "this gateway opens no sessions (feature_flags.session_management is false); use a client of \
                   2026-07-28, or switch sessions on";
    let data = serde_json::json!({ "supported": version::SPOKEN_STATELESS, "requested": asked });
    RpcError::new(code::UNSUPPORTED_VERSION, message).with_data(data)
}

/// Makes the session's links to the backends that give every session its own (`sharing: session`).
pub(crate) fn begin_own_links(core: &Core, session: &Arc<Session>) {
    let wanted = |upstream: &&Arc<Upstream>| upstream.definition().usage.sharing == Sharing::Session;
    for upstream in core.inventory().upstreams().filter(wanted) {
        let Some(core) = core.me.upgrade() else { return };
        let (session, upstream) = (Arc::clone(session), Arc::clone(upstream));
        core.spawn({
            let core = Arc::clone(&core);
            async move {
                if let Err(error) = own_link(&core, &session, &upstream).await {
                    tracing::warn!(backend = %upstream.name(), %error, "a session has no connection of its own yet");
                }
            }
        });
    }
}

/// A copy of what a client says of itself, for as long as its session lives. (A part of what was received would keep
/// the whole request.)
fn kept(member: &str, value: &Raw) -> Result<Raw, RpcError> {
    let length = value.as_str().len();
    if length > MAX_DECLARED {
        let why = format!("params.{member} of {length} bytes is too long; at most {MAX_DECLARED} are taken");
        return Err(RpcError::new(code::INVALID_PARAMS, why));
    }
    Ok(value.detached())
}

fn initialize_result(core: &Core, version: &str) -> Raw {
    let catalogue = core.catalogues.common();
    let capabilities = match version == version::NEWEST_LEGACY {
        true => tasks::legacy(core, &catalogue.legacy_capabilities),
        false => catalogue.legacy_capabilities.clone(),
    };
    let mut text = format!(
        "{{\"protocolVersion\":\"{version}\",\"capabilities\":{},\"serverInfo\":{}",
        capabilities.as_str(),
        own_info().as_str()
    );
    add_instructions(&mut text, catalogue.instructions.as_deref());
    finished(text)
}

/// Tells a modern client what there is (MCP 2026-07-28 "Discovery").
pub(crate) async fn discover(core: &Core) -> Reply {
    core.startup.wait().await;
    // A modern client is here: find out which backends it can speak to directly.
    let inventory = core.inventory();
    futures::future::join_all(inventory.upstreams().map(|upstream| upstream.settle_modern())).await;
    let catalogue = core.catalogues.common();
    let hint = catalogue.holding.now();
    let versions: Vec<String> = core.spoken().iter().map(|known| format!("\"{known}\"")).collect();
    let mut text = format!(
        "{{\"resultType\":\"complete\",\"supportedVersions\":[{}],\"capabilities\":{},\"ttlMs\":{},\"cacheScope\":\"{}\",\"_meta\":{{\"{}\":{}}}",
        versions.join(","),
        tasks::modern(core, &catalogue.modern_capabilities).as_str(),
        hint.ttl_ms,
        hint.scope(),
        meta::SERVER_INFO,
        own_info().as_str()
    );
    add_instructions(&mut text, catalogue.instructions.as_deref());
    Reply::result(finished(text))
}

fn add_instructions(text: &mut String, instructions: Option<&str>) {
    if let Some(instructions) = instructions {
        text.push_str(",\"instructions\":");
        text.push_str(Raw::string(instructions).as_str());
    }
}

fn finished(mut text: String) -> Raw {
    text.push('}');
    // Made of parts that were checked, so this does not fail.
    Raw::parse(text).unwrap_or_else(|_| Raw::empty_object())
}
