//! Handing a request to a backend.

use std::sync::Arc;

use argus_protocol::{ByteString, Era, Object, Raw, RpcError, code, meta, method};
use argus_upstream::{Exchange, Link, LinkError, Outgoing, Turn, Upstream};

use super::logging;
use super::mrtr::StateSeal;
use crate::bridge::rounds::{Rounds, may_ask};
use crate::client::Client;
use crate::core::Core;
use crate::relay::{Finish, Relay, Reply};
use crate::repeat::{Call, Chance};

/// A request in the backend's own words.
#[derive(Debug, Clone)]
pub(crate) struct Forward {
    pub(crate) method: ByteString,
    pub(crate) params: Option<Raw>,
    /// The backend's own name of the tool or prompt, or the URI.
    pub(crate) name: Option<ByteString>,
    /// Whether doing it twice does no harm.
    pub(crate) repeatable: bool,
}

/// Sends a request on the client's link to a backend, when it is its turn.
pub(crate) async fn forward(core: &Core, client: Client<'_>, upstream: &Arc<Upstream>, forward: Forward) -> Reply {
    let ready = async {
        let turn = upstream.turn().await?;
        Ok((turn, client.link(core, upstream).await?))
    };
    match ready.await {
        Ok((turn, link)) => on_link(core, client, turn, &link, forward).await,
        Err(error) => LinkError::to_rpc(&error, upstream.name()).into(),
    }
}

/// The same, on a link that is known.
pub(crate) async fn on_link(core: &Core, client: Client<'_>, turn: Turn, link: &Arc<Link>, forward: Forward) -> Reply {
    let Some(core) = core.me.upgrade() else {
        return RpcError::new(code::INTERNAL_ERROR, "the gateway is stopping").into();
    };
    match send(&core, client, turn.upstream(), link, &forward).await {
        Err(error) => error.into(),
        Ok((exchange, finish)) => Reply::Relay(Box::new(Relay {
            exchange,
            finish,
            rounds: Rounds::of(client.era(), link.era(), &forward.method),
            call: Call {
                core,
                client: client.kept(),
                turn,
                forward,
                era: link.era(),
            },
            chance: Chance::Left,
        })),
    }
}

/// Sends it; gives what comes back and what is to become of the result.
pub(crate) async fn send(
    core: &Core,
    client: Client<'_>,
    upstream: &Upstream,
    link: &Link,
    forward: &Forward,
) -> Result<(Exchange, Finish), RpcError> {
    if let Client::Legacy(session) = client {
        logging::apply(session, link).await;
    }
    let (params, finish) = translate(core, client.era(), link.era(), upstream.name(), forward)?;
    let request = Outgoing {
        method: forward.method.clone(),
        params,
        name: forward.name.clone(),
        param_headers: client.param_headers(),
        declared: client.declared(),
        log_level: client.log_level(),
        own: false,
    };
    let exchange = link.call(request, Some(upstream.definition().timeouts.call));
    Ok((exchange, finish))
}

/// The parameters for the link's era, and what becomes of the result.
fn translate(
    core: &Core,
    client: Era,
    link: Era,
    backend: &Arc<str>,
    forward: &Forward,
) -> Result<(Option<Raw>, Finish), RpcError> {
    match (client, link) {
        (Era::Legacy, _) => Ok((forward.params.clone(), Finish::AsIs)),
        (Era::Modern, Era::Modern) if may_ask(&forward.method) => {
            let seal = StateSeal::new(&core.seal, backend, &forward.method, forward.name.as_ref());
            let params = forward.params.as_ref().map(|raw| seal.unwrap(raw)).transpose()?;
            Ok((params, Finish::Seal(seal)))
        }
        (Era::Modern, Era::Modern) => Ok((forward.params.clone(), Finish::AsIs)),
        (Era::Modern, Era::Legacy) => {
            let params = forward.params.as_ref().map(without_modern_meta).transpose()?;
            let read = forward.method == method::RESOURCES_READ;
            let uri = forward.name.clone().filter(|_| read);
            Ok((params, Finish::Modernise { cached: read, uri }))
        }
    }
}

/// Parameters without what only a modern backend understands.
fn without_modern_meta(params: &Raw) -> Result<Raw, RpcError> {
    let malformed = |error| RpcError::new(code::INVALID_PARAMS, format!("params: {error}"));
    let read = Object::parse(params).map_err(malformed)?;
    let Some(meta) = read.get("_meta") else {
        return Ok(params.clone());
    };
    let meta = Object::parse(meta).map_err(malformed)?;
    let meta = meta
        .edit()
        .remove(meta::PROTOCOL_VERSION)
        .remove(meta::CLIENT_CAPABILITIES)
        .remove(meta::CLIENT_INFO)
        .remove(meta::LOG_LEVEL)
        .finish();
    Ok(read.edit().set("_meta", meta).finish())
}
