//! Setting up again what was set up on a connection that ended: subscriptions and the log level.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use argus_protocol::{ByteString, Era, Raw, method};
use argus_upstream::{Link, Upstream};

use crate::client::Client;
use crate::core::Core;
use crate::ops::logging;
use crate::own_link::own_link;
use crate::session::{FeedItem, Session};
use crate::updates::Updates;

/// How long a backend may take to take a subscription.
const LIMIT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// The shared connection of a backend is a new one.
pub(crate) async fn shared(core: Arc<Core>, backend: Arc<str>) {
    let Some(upstream) = core.inventory().named(&backend) else {
        return;
    };
    let Ok(link) = upstream.for_plain().await else { return };
    let sharing = |session: &Arc<Session>| !session.has_own_link(&backend);
    let sessions: Vec<_> = core.sessions.all().into_iter().filter(sharing).collect();
    if link.era() == Era::Modern {
        // It was replaced by one that is only modern.
        for session in &sessions {
            hear(&core, session, &upstream);
        }
        return;
    }
    for session in &sessions {
        logging::apply(session, &link).await;
    }
    let uris: HashSet<ByteString> = sessions
        .iter()
        .flat_map(|session| session.subscriptions(&backend))
        .collect();
    for uri in uris {
        subscribe(&link, &upstream, &uri).await;
        for session in sessions.iter().filter(|session| session.subscribes(&backend, &uri)) {
            session.feed().push(updated(&uri));
        }
    }
}

/// What a session subscribed to has to be listened for at a modern backend from now on.
pub(crate) fn hear(core: &Core, session: &Session, upstream: &Arc<Upstream>) {
    for uri in session.subscriptions(upstream.name()) {
        session.hold(upstream.name(), Updates::want(core, upstream, &uri));
        session.feed().push(updated(&uri));
    }
}

/// The connection that a session uses is a new one to it.
pub(crate) async fn own(session: Arc<Session>, upstream: Arc<Upstream>, link: Arc<Link>) {
    logging::apply(&session, &link).await;
    for uri in session.subscriptions(upstream.name()) {
        subscribe(&link, &upstream, &uri).await;
        session.feed().push(updated(&uri));
    }
}

/// Subscribes for a session that came back after a restart, or whose backend is another one, as soon as that is there.
pub(crate) async fn revived(core: Arc<Core>, session: Arc<Session>, backend: Arc<str>) {
    let mut pause = FIRST_PAUSE;
    let subscribing = async {
        while let Some(upstream) = core.inventory().named(&backend) {
            if let Ok(link) = Client::from(&session).link(&core, &upstream).await {
                if link.era() == Era::Modern {
                    return hear(&core, &session, &upstream);
                }
                return own(Arc::clone(&session), upstream, link).await;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    };
    let _ = session.over().run_until_cancelled(subscribing).await;
}

/// A session's own connection ended: makes a new one at once, if the session waits for something on it.
pub(crate) async fn restore(core: Arc<Core>, session: Arc<Session>, backend: Arc<str>) {
    let mut pause = FIRST_PAUSE;
    let restoring = async {
        while !session.subscriptions(&backend).is_empty() {
            tokio::time::sleep(pause).await;
            let Some(upstream) = core.inventory().named(&backend) else {
                return;
            };
            if own_link(&core, &session, &upstream).await.is_ok() {
                return;
            }
            pause = (pause * 2).min(LAST_PAUSE);
        }
    };
    let _ = session.over().run_until_cancelled(restoring).await;
}

/// What a session's connection said for a while is lost.
pub(crate) fn missed(session: &Session, backend: &str) {
    for uri in session.subscriptions(backend) {
        session.feed().push(updated(&uri));
    }
}

async fn subscribe(link: &Link, upstream: &Upstream, uri: &ByteString) {
    let params = Raw::from_value(&serde_json::json!({ "uri": &**uri }));
    if let Err(error) = link.ask(method::RESOURCES_SUBSCRIBE, Some(params), LIMIT).await {
        tracing::warn!(backend = %upstream.name(), %error, "a subscription cannot be renewed");
    }
}

/// Nobody knows what happened while the connection was down: the resource may have changed.
fn updated(uri: &ByteString) -> FeedItem {
    FeedItem::Notification {
        method: ByteString::from_static(method::RESOURCE_UPDATED),
        params: Some(Raw::from_value(&serde_json::json!({ "uri": &**uri }))),
    }
}
