//! `resources/subscribe` and `resources/unsubscribe` of legacy sessions.

use std::sync::Arc;

use argus_protocol::{ByteString, Era, Raw, RpcError, code, method};
use argus_upstream::Upstream;

use super::forward::{Forward, forward};
use super::{object, resources, uri};
use crate::client::Client;
use crate::core::Core;
use crate::relay::{Finish, Reply};
use crate::session::{MAX_SUBSCRIPTIONS, Noted, Session};
use crate::updates::Updates;

pub(crate) async fn subscribe(core: &Arc<Core>, session: &Arc<Session>, params: Option<Raw>) -> Reply {
    let (uri, upstream) = match find(core, session, params.as_ref()).await {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    let Some(noted) = Noted::new(session, upstream.name(), &uri) else {
        let why = format!(
            "too many resources are subscribed to ({MAX_SUBSCRIPTIONS} may be, fewer where their URIs are long); unsubscribe from some first"
        );
        return RpcError::new(code::INVALID_REQUEST, why).into();
    };
    match Client::from(session).link(core, &upstream).await {
        Err(error) => return error.to_rpc(upstream.name()).into(),
        Ok(link) if link.era() == Era::Modern => return hear(core, session, &upstream, &uri, noted).await,
        Ok(_) => {}
    }
    let request = request(method::RESOURCES_SUBSCRIBE, params, uri);
    let mut reply = forward(core, Client::from(session), &upstream, request).await;
    if let Reply::Relay(relay) = &mut reply {
        relay.finish = Finish::Subscribe(noted);
    }
    reply
}

/// Subscribes where a modern backend has to be listened to (MCP 2026-07-28 "Subscriptions").
async fn hear(
    core: &Core,
    session: &Arc<Session>,
    upstream: &Arc<Upstream>,
    uri: &ByteString,
    mut noted: Noted,
) -> Reply {
    session.hold(upstream.name(), Updates::want(core, upstream, uri));
    match Updates::granted(core, upstream, uri).await {
        Ok(()) => {
            noted.settle(true);
            Reply::result(Raw::empty_object())
        }
        Err(error) => error.into(),
    }
}

pub(crate) async fn unsubscribe(core: &Arc<Core>, session: &Arc<Session>, params: Option<Raw>) -> Reply {
    let (uri, upstream) = match find(core, session, params.as_ref()).await {
        Ok(found) => found,
        Err(reply) => return reply,
    };
    session.unsubscribe(upstream.name(), &uri);
    match Client::from(session).link(core, &upstream).await {
        Err(error) => return error.to_rpc(upstream.name()).into(),
        // It is no longer wanted, which is all that a modern backend has to know.
        Ok(link) if link.era() == Era::Modern => return Reply::result(Raw::empty_object()),
        Ok(_) => {}
    }
    let shares = |session: &Session| !session.has_own_link(upstream.name());
    let still_wanted = |other: &Arc<Session>| shares(other) && other.subscribes(upstream.name(), &uri);
    let listened_to = || core.updates.wants_shared(upstream.name(), &uri);
    if shares(session) && (listened_to() || core.sessions.all().iter().any(still_wanted)) {
        // Others on the same connection still want the updates.
        return Reply::result(Raw::empty_object());
    }
    forward(
        core,
        Client::from(session),
        &upstream,
        request(method::RESOURCES_UNSUBSCRIBE, params, uri),
    )
    .await
}

fn request(method: &'static str, params: Option<Raw>, uri: ByteString) -> Forward {
    Forward {
        method: ByteString::from_static(method),
        params,
        name: Some(uri),
        repeatable: false,
        mirrored: None,
        augmented: false,
    }
}

async fn find(core: &Core, session: &Arc<Session>, params: Option<&Raw>) -> Result<(ByteString, Arc<Upstream>), Reply> {
    let uri = object(params).and_then(|read| uri(&read)).map_err(Reply::from)?;
    let upstream = resources::readers_of(core, Client::from(session), &uri)
        .await
        .into_iter()
        .next();
    let era = Client::from(session).era();
    upstream
        .map(|upstream| (uri.clone(), upstream))
        .ok_or_else(|| resources::not_found(era, &uri).into())
}
