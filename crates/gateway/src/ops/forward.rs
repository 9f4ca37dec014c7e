//! Handing a request to a backend.

use std::pin::pin;
use std::sync::Arc;

use argus_protocol::{ByteString, Era, Object, ParamHeaders, Raw, RpcError, code, meta, method};
use argus_upstream::{CallEnd, CallLink, CallMethod, Exchange, Link, LinkError, Outgoing, Turn, Upstream};

use super::mrtr::{self, Binding, Carried, StateSeal};
use super::{logging, urls};
use crate::bridge::rounds::Rounds;
use crate::client::{Client, may_ask};
use crate::core::Core;
use crate::parked;
use crate::relay::{Finish, Relay, Reply};
use crate::repeat::{Call, Chance};
use crate::seal::SealError;
use crate::tasks;

/// A request in the backend's own words.
#[derive(Debug, Clone)]
pub(crate) struct Forward {
    pub(crate) method: ByteString,
    pub(crate) params: Option<Raw>,
    /// The backend's own name of the tool or prompt, or the URI.
    pub(crate) name: Option<ByteString>,
    /// Whether doing it twice does no harm.
    pub(crate) repeatable: bool,
    /// The arguments that are mirrored in headers, where some are.
    pub(crate) mirrored: Option<Arc<ParamHeaders>>,
    /// Whether a legacy client wants it to be run as a task.
    pub(crate) augmented: bool,
}

/// Sends a request on the client's link to a backend, when it is its turn.
pub(crate) async fn forward(core: &Core, client: Client<'_>, upstream: &Arc<Upstream>, forward: Forward) -> Reply {
    if let Client::Modern(request) = client
        && may_ask(&forward.method)
    {
        match mrtr::carried(request) {
            Some(Carried::Parked(token)) => return parked::resume(core, request, upstream, &forward, &token).await,
            Some(Carried::Url(token)) => {
                let binding = Binding::of(core, request.caller, upstream.name(), &forward);
                if let Err(error) = urls::opened(&binding, request, &token) {
                    return error.into();
                }
            }
            Some(Carried::OfBackend) | None => {}
        }
    }
    let ready = async {
        let mut turn = core.turn(upstream, CallMethod::from(&*forward.method)).await?;
        let link = {
            let making = pin!(client.link_for(core, turn.upstream(), &forward.method));
            turn.connecting(making).await
        };
        let link = link.inspect_err(|cause| turn.unconnected(cause))?;
        Ok((turn, link))
    };
    match ready.await {
        Ok((turn, link)) => on_link(core, client, turn, link, forward).await,
        Err(error) => LinkError::to_rpc(&error, upstream.name()).into(),
    }
}

/// The same, on a link that is known.
pub(crate) async fn on_link(
    core: &Core,
    client: Client<'_>,
    mut turn: Turn,
    mut link: CallLink,
    mut forward: Forward,
) -> Reply {
    let Some(core) = core.me.upgrade() else {
        return RpcError::new(code::INTERNAL_ERROR, "the gateway is stopping").into();
    };
    if let Err(error) = tasks::augmentable(&core, client, &link, &mut forward) {
        turn.over(CallEnd::Error);
        return error.into();
    }
    if client.era() == Era::Legacy && link.era() == Era::Modern && may_ask(&forward.method) {
        // The states of its backend stay with the gateway.
        forward.params = match forward.params.as_ref().map(mrtr::without_state).transpose() {
            Ok(params) => params,
            Err(error) => {
                turn.over(CallEnd::Error);
                return error.into();
            }
        };
    }
    match send(&core, client, turn.upstream(), &mut link, &forward).await {
        Err(error) => {
            turn.over(CallEnd::Error);
            error.into()
        }
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
                tasks: link.has_tasks(),
            },
            lease: link.into_lease(),
            talk: None,
            chance: Chance::Left,
        })),
    }
}

/// Sends it; gives what comes back and what is to become of the result.
pub(crate) async fn send(
    core: &Core,
    client: Client<'_>,
    upstream: &Upstream,
    link: &mut CallLink,
    forward: &Forward,
) -> Result<(Exchange, Finish), RpcError> {
    match client {
        Client::Legacy(session) => logging::apply(session, link).await,
        Client::Modern(request) => logging::tell(request.meta.log_level, link).await,
    }
    let (params, finish) = translate(core, client, link, upstream.name(), forward)?;
    let request = Outgoing {
        method: forward.method.clone(),
        param_headers: client.param_headers(link.era(), forward),
        params,
        name: forward.name.clone(),
        declared: client.declared(),
        log_level: client.log_level(),
        augmented: forward.augmented,
        own: false,
    };
    // Who waits for the end of a task waits as long as that takes.
    let limit = (forward.method != method::TASKS_RESULT).then_some(upstream.definition().timeouts.call);
    let exchange = link.call(request, limit);
    Ok((exchange, finish))
}

/// The parameters for the link's era, and what becomes of the result.
fn translate(
    core: &Core,
    client: Client<'_>,
    link: &Link,
    backend: &Arc<str>,
    forward: &Forward,
) -> Result<(Option<Raw>, Finish), RpcError> {
    let Client::Modern(request) = client else {
        return Ok((forward.params.clone(), Finish::AsIs));
    };
    match link.era() {
        Era::Modern if may_ask(&forward.method) => {
            let seal = StateSeal::new(Binding::of(core, request.caller, backend, forward));
            let params = forward.params.as_ref().map(|raw| seal.unwrap(raw)).transpose()?;
            Ok((params, Finish::Seal(seal)))
        }
        Era::Modern => Ok((forward.params.clone(), Finish::AsIs)),
        Era::Legacy => {
            if may_ask(&forward.method) && matches!(mrtr::carried(request), Some(Carried::OfBackend)) {
                return Err(mrtr::refused(SealError::Forged));
            }
            let params = forward.params.as_ref().map(without_modern_members).transpose()?;
            let read = forward.method == method::RESOURCES_READ;
            let finish = Finish::Modernise {
                cached: read,
                uri: forward.name.clone().filter(|_| read),
                server: link.server_meta().cloned(),
            };
            Ok((params, finish))
        }
    }
}

/// Parameters without what only a modern backend understands.
fn without_modern_members(params: &Raw) -> Result<Raw, RpcError> {
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
    let edit = read.edit().set("_meta", meta);
    // A `task` is nothing to a modern client, and a legacy backend would begin one.
    let edit = edit.remove(tasks::AUGMENTATION);
    Ok(edit.remove(mrtr::STATE).remove(mrtr::RESPONSES).finish())
}
