//! What a backend asks within a task, in the client's words, and the client's answer in the backend's.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use argus_protocol::{Answer, Id, Object, Raw, RpcError, Sought, code, method};
use argus_upstream::{Ask, AskPeer, AskReply};

use super::Ids;
use super::members::{named, with_related};
use super::offered::AUGMENTATION;
use crate::client::Client;
use crate::core::Core;
use crate::session::Session;

/// Why a backend may not ask a client this: of the tasks that a client runs for several servers each may ask after its
/// own, and they are listed to none, since those of the others are among them.
pub(crate) fn refuses(core: &Core, session: &Session, backend: &str, ask: &Ask) -> Option<RpcError> {
    if !ask.method.starts_with(method::TASKS_PREFIX) || core.inventory().only().is_some() {
        return None;
    }
    if ask.method == method::TASKS_LIST {
        let why = "this client has tasks for other servers, too, and does not list them";
        return Some(RpcError::new(code::METHOD_NOT_FOUND, why));
    }
    let params = ask.params.as_ref().and_then(|params| Object::parse(params).ok());
    let id = params.and_then(|params| params.get_str("taskId"));
    let is_its = id.is_some_and(|id| session.runs_for(&id).as_deref() == Some(backend));
    (!is_its).then(|| RpcError::new(code::INVALID_PARAMS, "Task not found"))
}

/// The question as the session's client is asked it; one that belongs to no task of the session's is as it was.
pub(crate) fn reworded(core: &Core, session: &Arc<Session>, backend: &Arc<str>, ask: Ask) -> Ask {
    let ask = watched(session, backend, ask);
    let Some(params) = ask.params.as_ref() else { return ask };
    let Some(theirs) = named(&ask.method, params) else {
        return ask;
    };
    if !session.has_task(backend, &theirs) {
        return ask;
    }
    let Some(ours) = Ids::of(&core.seal, Client::from(session)).expose(backend, &theirs) else {
        return ask;
    };
    let Some(params) = with_related(params, |_| Some(ours.clone())) else {
        return ask;
    };
    let id = ask.reply.id().clone();
    let translator = Translator {
        ours,
        theirs: theirs.to_string(),
        reply: Mutex::new(Some(ask.reply)),
    };
    Ask {
        method: ask.method,
        params: Some(params),
        reply: AskReply::new(id, Arc::new(translator)),
    }
}

/// The question, with the task noted that the client makes of it, if the backend wants one.
fn watched(session: &Arc<Session>, backend: &Arc<str>, ask: Ask) -> Ask {
    let wants_task = |params: &Raw| {
        params.may_have(&AUGMENTED) && Object::parse(params).is_ok_and(|read| read.get(AUGMENTATION).is_some())
    };
    if !ask.params.as_ref().is_some_and(wants_task) {
        return ask;
    }
    let id = ask.reply.id().clone();
    let watcher = Watcher {
        session: Arc::downgrade(session),
        backend: Arc::clone(backend),
        reply: Mutex::new(Some(ask.reply)),
    };
    Ask {
        method: ask.method,
        params: ask.params,
        reply: AskReply::new(id, Arc::new(watcher)),
    }
}

static AUGMENTED: Sought = Sought::new(AUGMENTATION);

/// Notes for which backend the client runs a task.
struct Watcher {
    session: Weak<Session>,
    backend: Arc<str>,
    reply: Mutex<Option<AskReply>>,
}

impl AskPeer for Watcher {
    fn answer(&self, _: &Id, answer: &Answer) {
        if let (Answer::Result(result), Some(session)) = (answer, self.session.upgrade())
            && let Some(task) = Object::parse(result)
                .ok()
                .and_then(|read| read.get_object(AUGMENTATION))
            && let Some(id) = task.get_str("taskId")
        {
            session.note_run(&self.backend, &id);
        }
        let reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reply) = reply {
            reply.answer(answer);
        }
    }

    fn notify(&self, method: &str, params: Option<&Raw>) {
        let reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reply) = reply.as_ref() {
            reply.notify(method, params);
        }
    }
}

/// Puts the backend's id of the task back into what the client says.
struct Translator {
    ours: String,
    theirs: String,
    reply: Mutex<Option<AskReply>>,
}

impl Translator {
    fn translated(&self, raw: &Raw) -> Option<Raw> {
        with_related(raw, |id| (id == self.ours).then(|| self.theirs.clone()))
    }
}

impl AskPeer for Translator {
    fn answer(&self, _: &Id, answer: &Answer) {
        let reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner).take();
        let translated = match answer {
            Answer::Result(result) => self.translated(result).map(Answer::Result),
            Answer::Error(_) => None,
        };
        if let Some(reply) = reply {
            reply.answer(translated.as_ref().unwrap_or(answer));
        }
    }

    fn notify(&self, method: &str, params: Option<&Raw>) {
        let translated = params.and_then(|raw| self.translated(raw));
        let reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reply) = reply.as_ref() {
            reply.notify(method, translated.as_ref().or(params));
        }
    }
}
