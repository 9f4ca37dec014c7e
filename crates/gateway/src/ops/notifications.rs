//! What a legacy client says without wanting an answer.

use std::sync::Arc;

use argus_protocol::{Id, Message, Object, Raw, method};

use crate::client::Client;
use crate::core::Core;
use crate::session::Session;

/// Takes a notification or a response.
pub(crate) fn take(core: &Arc<Core>, session: &Arc<Session>, message: Message) {
    match message {
        Message::Response { id: Some(id), answer } => {
            if !session.answer(&id, &answer) {
                tracing::debug!("an answer to a question that is not open was dropped");
            }
        }
        Message::Notification { method, params } => notified(core, session, &method, params),
        Message::Response { id: None, .. } | Message::Request { .. } => {}
    }
}

fn notified(core: &Arc<Core>, session: &Arc<Session>, method: &str, params: Option<Raw>) {
    match method {
        method::INITIALIZED => {}
        method::CANCELLED => {
            let id = params
                .as_ref()
                .and_then(|raw| Object::parse(raw).ok())
                .and_then(|read| read.get("requestId").cloned());
            if let Some(id) = id.and_then(Id::from_raw) {
                session.cancel(&id);
            }
        }
        method::PROGRESS => {
            if let Some(params) = &params {
                session.ask_progress(params);
            }
        }
        method::ROOTS_CHANGED => {
            for link in session.links() {
                link.notify(method, params.as_ref());
            }
        }
        method::TASK_STATUS if told(core, session, params.as_ref()) => {}
        _ => pass(core, session, method.to_owned(), params),
    }
}

/// Tells the backend for which the client runs a task how it fares; `false` where nobody knows which one that is.
fn told(core: &Core, session: &Session, params: Option<&Raw>) -> bool {
    let read = params.and_then(|params| Object::parse(params).ok());
    let backend = read
        .and_then(|read| read.get_str("taskId"))
        .and_then(|id| session.runs_for(&id));
    let Some(upstream) = backend.and_then(|backend| core.inventory().named(&backend)) else {
        return false;
    };
    if let Some(link) = session.link_to(&upstream) {
        link.notify(method::TASK_STATUS, params);
    }
    true
}

/// A notification that the gateway does not know goes to the backend, if there is just one.
fn pass(core: &Arc<Core>, session: &Arc<Session>, method: String, params: Option<Raw>) {
    let Some(upstream) = core.inventory().only() else {
        tracing::debug!(
            method,
            "an unknown notification was dropped, for there are several backends"
        );
        return;
    };
    let (core, session) = (Arc::clone(core), Arc::clone(session));
    tokio::spawn(async move {
        if let Ok(link) = Client::from(&session).link(&core, &upstream).await {
            link.notify(&method, params.as_ref());
        }
    });
}
