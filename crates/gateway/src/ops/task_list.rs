//! `tasks/list` of MCP 2025-11-25: the tasks of a session at all backends, in the order of the configuration.

use std::collections::HashSet;
use std::mem;
use std::pin::pin;
use std::sync::Arc;

use argus_protocol::write::object_with_list;
use argus_protocol::{Answer, ByteString, Era, Object, Raw, RpcError, code, method};
use argus_upstream::{CallEnd, CallMethod, LinkError, Upstream};
use futures::StreamExt;
use futures::stream::FuturesOrdered;
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

/// A backend that has tasks of the session, and where its list goes on.
struct Asked<'a> {
    upstream: &'a Arc<Upstream>,
    cursor: Option<ByteString>,
    own: HashSet<ByteString>,
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
    let inventory = core.inventory();
    let asked = asked(session, inventory.upstreams(), from);
    // All first pages are read at once, so that a slow backend is waited for beside the others; what is not needed in the
    // end is dropped.
    let mut firsts: FuturesOrdered<_> = asked
        .iter()
        .map(|at| read(core, session, at.upstream, at.cursor.as_deref(), &at.own))
        .collect();
    let mut found = Vec::new();
    let mut failure = None;
    let mut pages = 0;
    for at in &asked {
        let mut cursor = at.cursor.clone();
        let mut first = true;
        loop {
            if found.len() >= ENOUGH || pages >= MAX_PAGES {
                let place = places.expose(at.upstream.name(), cursor.as_deref().unwrap_or_default());
                return Reply::result(page(&found, place.as_deref()));
            }
            pages += 1;
            let read = match mem::take(&mut first) {
                true => firsts.next().await.unwrap_or(Ok((Vec::new(), None))),
                false => read(core, session, at.upstream, cursor.as_deref(), &at.own).await,
            };
            match read {
                Ok((tasks, more)) => {
                    found.extend(tasks);
                    cursor = more;
                }
                Err(error) => {
                    tracing::debug!(backend = %at.upstream.name(), %error, "a backend does not list its tasks");
                    failure = failure.or_else(|| Some(answer(error, at.upstream)));
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

/// The backends that a page is made of.
fn asked<'a>(
    session: &Session,
    upstreams: impl Iterator<Item = &'a Arc<Upstream>>,
    from: Option<Place>,
) -> Vec<Asked<'a>> {
    let Place { backend, mut cursor } = match from {
        Some(place) => place,
        None => Place {
            backend: Arc::default(),
            cursor: None,
        },
    };
    upstreams
        .skip_while(|upstream| !backend.is_empty() && *upstream.name() != backend)
        .map(|upstream| Asked {
            upstream,
            cursor: cursor.take(),
            own: session.tasks_at(upstream.name()),
        })
        .filter(|asked| !asked.own.is_empty())
        .collect()
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
    let mut turn = core.turn(upstream, CallMethod::TasksList).await?;
    let link = {
        let making = pin!(client.link(core, turn.upstream()));
        turn.connecting(making).await
    };
    let link = link.inspect_err(|cause| turn.unconnected(cause))?;
    if link.era() != Era::Legacy || !link.has_tasks() {
        turn.over(CallEnd::Ok);
        return Ok((Vec::new(), None));
    }
    let params = cursor.map(|cursor| Raw::from_value(&serde_json::json!({ "cursor": cursor })));
    let limit = upstream.definition().timeouts.cap_fetch;
    let asked = link.ask(method::TASKS_LIST, params, limit).await;
    turn.asked(&asked);
    let result = asked?;
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
