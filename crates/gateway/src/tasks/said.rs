//! What backends say of tasks, in the words of whose tasks they are.

use std::sync::Arc;

use argus_protocol::{Answer, ByteString, Era, Object, Raw, RpcError, code, method};
use argus_upstream::Upstream;

use super::members::{may_name, named, renamed, renamed_within, with_related};
use super::offered::AUGMENTATION;
use super::{Ids, MAX_OWN};
use crate::client::{Client, KeptClient};
use crate::core::Core;
use crate::repeat::Call;
use crate::session::{FeedItem, Session};

/// The answer to a call that may have begun a task: the client gets an id that leads back to the backend. A session
/// notes the task as its own.
pub(crate) fn begun(call: &Call, answer: Answer) -> Answer {
    match answer {
        // Those of other methods are named by the client.
        Answer::Result(result) if may_name(&result) && !call.forward.method.starts_with(method::TASKS_PREFIX) => {
            exposed(call, result)
        }
        other => other,
    }
}

fn exposed(call: &Call, result: Raw) -> Answer {
    let upstream = call.turn.upstream();
    let backend = upstream.name();
    let ids = Ids::of(&call.core.seal, call.client.client());
    let mut too_long = false;
    let mut expose = |id: &str| {
        let exposed = ids.expose(backend, id);
        too_long = exposed.is_none();
        exposed
    };
    let reworded = match &call.client {
        KeptClient::Modern(_) => {
            let is_task = Object::parse(&result)
                .ok()
                .and_then(|read| read.get_str("resultType"))
                .is_some_and(|kind| kind == "task");
            is_task.then(|| renamed(&result, expose)).flatten()
        }
        KeptClient::Legacy(session) => {
            let noted = |id: &str| {
                let exposed = expose(id)?;
                note(&call.core, session, upstream, id);
                Some(exposed)
            };
            let task = call
                .forward
                .augmented
                .then(|| renamed_within(&result, AUGMENTATION, noted))
                .flatten();
            // A tool may say what it is told to: what is somebody else's gets no id here that would lead to it.
            let own = |id: &str| session.has_task(backend, id).then(|| ids.expose(backend, id)).flatten();
            with_related(task.as_ref().unwrap_or(&result), own).or(task)
        }
    };
    if too_long {
        tracing::warn!(%backend, most = MAX_OWN, "the backend gave a task an id that is too long; nobody can ask after it");
        let why =
            format!("backend \"{backend}\" gave the task an id of more than {MAX_OWN} bytes; nobody can ask after it");
        return Answer::Error(RpcError::new(code::INTERNAL_ERROR, why).to_raw());
    }
    Answer::Result(reworded.unwrap_or(result))
}

/// Notes a task that a session began.
fn note(core: &Core, session: &Arc<Session>, upstream: &Upstream, id: &str) {
    let backend = upstream.name();
    remember(core, session, backend, id);
    for (method, params) in session.early().take(backend, id) {
        tell(core, session, backend, &method, &params);
    }
    if !session.shares(upstream) {
        return;
    }
    if let Some(before) = core.owners.began(backend, id, session) {
        before.forget_task(backend, id);
    }
    catch_up(core, session, backend, id);
}

/// Tells a session what was said of its task before it was known to be its.
fn catch_up(core: &Core, session: &Arc<Session>, backend: &str, id: &str) {
    for (method, params) in core.early.take(backend, id) {
        tell(core, session, backend, &method, &params);
    }
}

/// Notes that a session knows the id that was made for it of a task: after a restart nobody else would know. `false`
/// where the backend gave its own id again, and the task is another's.
pub(crate) fn known(core: &Core, session: &Arc<Session>, upstream: &Upstream, id: &str) -> bool {
    let is_theirs = !session.shares(upstream) || core.owners.knows(upstream.name(), id, session);
    if is_theirs {
        remember(core, session, upstream.name(), id);
    }
    is_theirs
}

fn remember(core: &Core, session: &Arc<Session>, backend: &Arc<str>, id: &str) {
    for forgotten in session.note_task(backend, id) {
        core.owners.forget(backend, &forgotten, session);
    }
}

/// The parameters of a notification within a call, for the client of the call; `None` where it is about the task of
/// somebody else, who is told.
pub(crate) fn heard(call: &Call, method: &ByteString, params: Raw) -> Option<Raw> {
    if call.era == Era::Modern {
        return Some(params);
    }
    let backend = call.turn.upstream().name();
    let Some(id) = named(method, &params) else {
        return Some(params);
    };
    if let KeptClient::Legacy(session) = &call.client
        && (session.has_own_link(backend) || session.has_task(backend, &id))
    {
        if is_early(session, backend, method, &params) {
            return None;
        }
        return Some(reworded_notification(&call.core, session, backend, method, params));
    }
    deliver(&call.core, backend, method, &params);
    None
}

/// Tells the session whose task it is what a connection that sessions share says of a task; `false` where it says
/// nothing of one.
pub(crate) fn deliver(core: &Core, backend: &str, method: &ByteString, params: &Raw) -> bool {
    let Some(id) = named(method, params) else {
        return false;
    };
    match core.owners.of(backend, &id) {
        Some(session) => tell(core, &session, backend, method, params),
        None if core.early.keep(backend, id.clone(), method, params) => {
            // It may have begun meanwhile.
            if let Some(session) = core.owners.of(backend, &id) {
                catch_up(core, &session, backend, &id);
            }
        }
        None => tracing::debug!(backend, %method, "what was said of a task that is nobody's was dropped"),
    }
    true
}

/// Tells a session what was said of its task.
fn tell(core: &Core, session: &Arc<Session>, backend: &str, method: &ByteString, params: &Raw) {
    if session.wants_log(method, Some(params)) {
        let params = reworded_notification(core, session, backend, method, params.clone());
        session.feed().push(FeedItem::Notification {
            method: method.clone(),
            params: Some(params),
        });
    }
}

/// Whether a session's own connection says how a task fares that the session did not begin, or not as far as is known yet:
/// it is told when it has.
pub(crate) fn is_early(session: &Session, backend: &str, method: &ByteString, params: &Raw) -> bool {
    if method != method::TASK_STATUS {
        return false;
    }
    match named(method, params) {
        Some(id) if !session.has_task(backend, &id) => session.early().keep(backend, id, method, params),
        _ => false,
    }
}

/// The parameters of a notification with the id by which a session knows the task; as they are, where it has no such
/// task.
pub(crate) fn reworded_notification(
    core: &Core,
    session: &Arc<Session>,
    backend: &str,
    method: &str,
    params: Raw,
) -> Raw {
    if !may_name(&params) {
        return params;
    }
    let ids = Ids::of(&core.seal, Client::from(session));
    let expose = |id: &str| session.has_task(backend, id).then(|| ids.expose(backend, id)).flatten();
    let reworded = match method {
        method::TASK_STATUS => renamed(&params, expose),
        _ => with_related(&params, expose),
    };
    reworded.unwrap_or(params)
}
