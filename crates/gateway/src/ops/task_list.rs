//! `tasks/list` of MCP 2025-11-25: the tasks of a session at all backends, in the order of the configuration.

use std::collections::HashSet;
use std::sync::Arc;

use argus_protocol::write::object_with_list;
use argus_protocol::{Answer, ByteString, Era, Object, Raw, RpcError, code, method};
use argus_upstream::{LinkError, Upstream};
use serde_json::value::RawValue;

use super::unknown;
use crate::client::Client;
use crate::core::Core;
use crate::relay::Reply;
use crate::session::Session;
use crate::tasks::{self, Ids, MAX_OWN};

/// A page ends with the backend's page on which it gets so many tasks.
const ENOUGH: usize = 100;
/// So many pages of backends are read for one.
const MAX_PAGES: usize = 50;

/// Where the next page begins: at a backend, at the start or at a cursor of the backend's own.
struct Place {
    backend: Arc<str>,
    cursor: Option<ByteString>,
}

/// Answers with a page of the session's tasks. A connection that sessions share lists everybody's: only those are shown
/// that the session began, or knew to name.
pub(crate) async fn list(core: &Arc<Core>, session: &Arc<Session>, params: Option<&Raw>) -> Reply {
    core.startup.wait().await;
    if !tasks::offers(core, Era::Legacy) {
        return unknown(method::TASKS_LIST);
    }
    let places = Ids::of_places(&core.seal, Client::from(session));
    let from = match begin(&places, params) {
        Ok(from) => from,
        Err(error) => return error.into(),
    };
    let mut found = Vec::new();
    let mut failure = None;
    let mut pages = 0;
    let mut next = from;
    let upstreams: Vec<_> = core.inventory.upstreams().collect();
    let first = next.as_ref().map_or(Some(0), |place| {
        upstreams.iter().position(|upstream| *upstream.name() == place.backend)
    });
    for upstream in upstreams.into_iter().skip(first.unwrap_or(usize::MAX)) {
        let mut cursor = next.take().and_then(|place| place.cursor);
        let own = session.tasks_at(upstream.name());
        if own.is_empty() {
            continue;
        }
        loop {
            if found.len() >= ENOUGH || pages >= MAX_PAGES {
                let place = places.expose(upstream.name(), cursor.as_deref().unwrap_or_default());
                return Reply::result(page(&found, place.as_deref()));
            }
            pages += 1;
            match read(core, session, upstream, cursor.as_deref(), &own).await {
                Ok((tasks, more)) => {
                    found.extend(tasks);
                    cursor = more;
                }
                Err(error) => {
                    tracing::debug!(backend = %upstream.name(), %error, "a backend does not list its tasks");
                    failure = failure.or_else(|| Some(answer(error, upstream)));
                    cursor = None;
                }
            }
            if cursor.is_none() {
                break;
            }
        }
    }
    match failure {
        Some(failure) if found.is_empty() => Reply::Now(failure),
        _ => Reply::result(page(&found, None)),
    }
}

/// Where the page begins that a request asks for; `None` for the first one.
fn begin(places: &Ids<'_>, params: Option<&Raw>) -> Result<Option<Place>, RpcError> {
    let cursor = params
        .and_then(|raw| Object::parse(raw).ok())
        .and_then(|read| read.get("cursor").cloned())
        .filter(|raw| raw.as_str() != "null");
    let Some(cursor) = cursor else { return Ok(None) };
    let text: Option<String> = cursor.read().ok();
    let (backend, cursor) = text.and_then(|text| places.lead(&text)).ok_or_else(|| {
        let why = "params.cursor: the cursor is not one of this list; begin again without a cursor";
        RpcError::new(code::INVALID_PARAMS, why)
    })?;
    Ok(Some(Place {
        backend: backend.into(),
        cursor: (!cursor.is_empty()).then(|| cursor.into()),
    }))
}

/// One page of a backend: the tasks of the session on it, and the cursor of the next one.
async fn read(
    core: &Core,
    session: &Arc<Session>,
    upstream: &Arc<Upstream>,
    cursor: Option<&str>,
    own: &HashSet<ByteString>,
) -> Result<(Vec<Raw>, Option<ByteString>), LinkError> {
    let client = Client::from(session);
    let _turn = upstream.turn().await?;
    let link = client.link(core, upstream).await?;
    if link.era() != Era::Legacy || !link.has_tasks() {
        return Ok((Vec::new(), None));
    }
    let params = cursor.map(|cursor| Raw::from_value(&serde_json::json!({ "cursor": cursor })));
    let result = link
        .ask(method::TASKS_LIST, params, upstream.definition().timeouts.cap_fetch)
        .await?;
    let ids = Ids::of(&core.seal, client);
    let expose = |id: &str| own.contains(id).then(|| ids.expose(upstream.name(), id)).flatten();
    let read = Object::parse(&result).map_err(|error| LinkError::Protocol(error.to_string()))?;
    let listed: Vec<Box<RawValue>> = read.get("tasks").and_then(|raw| raw.read().ok()).unwrap_or_default();
    let tasks = listed
        .into_iter()
        .filter_map(|task| tasks::renamed(&Raw::parse(String::from(Box::<str>::from(task))).ok()?, expose));
    let next = read.get_str("nextCursor");
    if next.as_ref().is_some_and(|cursor| cursor.len() > MAX_OWN) {
        tracing::warn!(backend = %upstream.name(), most = MAX_OWN, "a cursor in the backend's list of tasks is too long; its tasks are not listed");
        let why = format!("a cursor in its list of tasks has more than {MAX_OWN} bytes");
        return Err(LinkError::Protocol(why));
    }
    Ok((tasks.collect(), next))
}

/// What a client is told where nothing can be listed: the backend's own words, if it said any.
fn answer(error: LinkError, upstream: &Upstream) -> Answer {
    match error {
        LinkError::Refused { error, .. } => Answer::Error(error),
        other => Answer::Error(other.to_rpc(upstream.name()).to_raw()),
    }
}

fn page(tasks: &[Raw], next: Option<&str>) -> Raw {
    let next = next.map(|place| ("nextCursor", Raw::string(place)));
    object_with_list(&[], "tasks", tasks, next.as_slice())
}
