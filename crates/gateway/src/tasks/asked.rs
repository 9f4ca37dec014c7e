//! What a backend asks within a task, in the client's words, and the client's answer in the backend's.

use std::sync::{Arc, Mutex, PoisonError};

use argus_protocol::{Answer, Id, Raw, RpcError, code, method};
use argus_upstream::{Ask, AskPeer, AskReply};

use super::Ids;
use super::members::{named, with_related};
use crate::client::Client;
use crate::core::Core;
use crate::session::Session;

/// Why a backend may not ask a client this: the tasks that a client runs for servers are listed to none of several, since
/// those of the others are among them.
pub(crate) fn refuses(core: &Core, ask: &Ask) -> Option<RpcError> {
    let among_others = ask.method == method::TASKS_LIST && core.inventory.only().is_none();
    let why = "this client has tasks for other servers, too, and does not list them";
    among_others.then(|| RpcError::new(code::METHOD_NOT_FOUND, why))
}

/// The question as the session's client is asked it; one that belongs to no task is as it was.
pub(crate) fn reworded(core: &Core, session: &Arc<Session>, backend: &str, ask: Ask) -> Ask {
    let Some(params) = ask.params.as_ref() else { return ask };
    let Some(theirs) = named(&ask.method, params) else {
        return ask;
    };
    let ours = Ids::of(&core.seal, Client::from(session)).expose(backend, &theirs);
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
