//! What backends say of tasks, in the words of whose tasks they are.

use std::sync::Arc;

use argus_protocol::{Answer, ByteString, Object, Raw, method};

use super::Ids;
use super::members::{may_name, named, renamed, renamed_within, with_related};
use super::offered::AUGMENTATION;
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
            Answer::Result(exposed(call, result))
        }
        other => other,
    }
}

fn exposed(call: &Call, result: Raw) -> Raw {
    let backend = call.turn.upstream().name();
    let ids = Ids::of(&call.core.seal, call.client.client());
    let expose = |id: &str| Some(ids.expose(backend, id));
    match &call.client {
        KeptClient::Modern(_) => {
            let is_task = Object::parse(&result)
                .ok()
                .and_then(|read| read.get_str("resultType"))
                .is_some_and(|kind| kind == "task");
            is_task.then(|| renamed(&result, expose)).flatten().unwrap_or(result)
        }
        KeptClient::Legacy(session) => {
            let noted = |id: &str| {
                session.note_task(backend, id);
                expose(id)
            };
            let task = call
                .forward
                .augmented
                .then(|| renamed_within(&result, AUGMENTATION, noted));
            let result = task.flatten().unwrap_or(result);
            with_related(&result, expose).unwrap_or(result)
        }
    }
}

/// The parameters of a notification within a call, for the client of the call; `None` where it is about the task of
/// somebody else, who is told.
pub(crate) fn heard(call: &Call, method: &ByteString, params: Raw) -> Option<Raw> {
    let KeptClient::Legacy(session) = &call.client else {
        return Some(params);
    };
    let backend = call.turn.upstream().name();
    let Some(id) = named(method, &params) else {
        return Some(params);
    };
    if session.has_own_link(backend) || session.has_task(backend, &id) {
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
    let owner = core
        .sessions
        .all()
        .into_iter()
        .find(|session| session.has_task(backend, &id));
    match owner {
        Some(session) if session.wants_log(method, Some(params)) => {
            let params = reworded_notification(core, &session, backend, method, params.clone());
            session.feed().push(FeedItem::Notification {
                method: method.clone(),
                params: Some(params),
            });
        }
        Some(_) => {}
        None => tracing::debug!(backend, %method, "what was said of a task that is nobody's was dropped"),
    }
    true
}

/// The parameters of a notification with the id by which a session knows the task.
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
    let expose = |id: &str| Some(ids.expose(backend, id));
    let reworded = match method {
        method::TASK_STATUS => renamed(&params, expose),
        _ => with_related(&params, expose),
    };
    reworded.unwrap_or(params)
}
