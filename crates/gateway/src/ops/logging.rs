//! `logging/setLevel`: kept with the session, told to the backends that log.

use std::sync::Arc;
use std::time::Duration;

use argus_protocol::{Era, Level, Raw, RpcError, code, method};
use argus_upstream::{Link, Outgoing};

use super::{object, text};
use crate::relay::Reply;
use crate::session::Session;

/// How long a backend may take to learn a level; a call does not fail because of it.
const LIMIT: Duration = Duration::from_secs(5);

pub(crate) async fn set_level(session: &Arc<Session>, params: Option<&Raw>) -> Reply {
    let level = object(params).and_then(|read| text(&read, "level")).and_then(|name| {
        let unknown = || format!("params.level must be one of {}", Level::names());
        Level::parse(&name).ok_or_else(|| RpcError::new(code::INVALID_PARAMS, unknown()))
    });
    match level {
        Err(error) => error.into(),
        Ok(level) => {
            session.set_level(level);
            for link in session.links() {
                apply(session, &link).await;
            }
            Reply::result(Raw::empty_object())
        }
    }
}

/// Tells a link the session's level, unless it knows. A shared link keeps the most talkative level that any of its
/// sessions wants; each session hears only what it asked for.
pub(crate) async fn apply(session: &Session, link: &Link) {
    tell(session.level(), link).await;
}

/// Tells a link the level that a caller wants, if it wants one and the link does not know.
pub(crate) async fn tell(level: Option<Level>, link: &Link) {
    let Some(level) = level else { return };
    if link.era() == Era::Modern || !link.hello().has("logging") || !link.level_changes(level.to_byte()) {
        return;
    }
    let mut request = Outgoing::own(
        method::SET_LEVEL,
        Some(Raw::from_value(&serde_json::json!({"level": level.name()}))),
    );
    request.declared = None;
    let _ = link.call(request, Some(LIMIT)).outcome().await;
}
