//! What the links of a backend say outside calls, and who may hear it.

use std::sync::{Arc, Weak};

use argus_protocol::{Answer, ByteString, Object, Raw, method};
use argus_upstream::{FeedEvent, FeedSink, Life};

use crate::core::Core;
use crate::events::{BackendNews, Events};
use crate::renew;
use crate::session::{FeedItem, Session};
use crate::tasks;

/// Takes what shared links say: updates reach the clients that subscribed; nothing else can be told whose it is.
pub(crate) struct SharedFeed {
    pub(crate) core: Weak<Core>,
    pub(crate) backend: Arc<str>,
    pub(crate) news: BackendNews,
}

/// What shared links of a backend say goes here.
pub(crate) fn shared_feed(core: &Weak<Core>, events: &Arc<Events>, backend: &str) -> Arc<dyn FeedSink> {
    let backend: Arc<str> = backend.into();
    Arc::new(SharedFeed {
        core: Weak::clone(core),
        news: BackendNews::new(Arc::clone(events), Arc::clone(&backend)),
        backend,
    })
}

impl FeedSink for SharedFeed {
    fn deliver(&self, event: FeedEvent) {
        match event {
            FeedEvent::Notification { method, params } if method == method::RESOURCE_UPDATED => {
                let (Some(core), Some(uri)) = (self.core.upgrade(), uri_of(params.as_ref())) else {
                    return;
                };
                core.forget_read(&self.backend, &uri);
                if let Some(params) = params.as_ref().filter(|_| core.updates.hears_shared(&self.backend)) {
                    core.tell_listens(&self.backend, &uri, params);
                }
                for session in core.sessions.all() {
                    // A session with a link of its own hears the update there.
                    if !session.has_own_link(&self.backend) && session.wants_update(&self.backend, &uri) {
                        session.feed().push(FeedItem::Notification {
                            method: method.clone(),
                            params: params.clone(),
                        });
                    }
                }
            }
            FeedEvent::Notification { method, params } => {
                let of_task = |params| {
                    let core = self.core.upgrade();
                    core.is_some_and(|core| tasks::deliver(&core, &self.backend, &method, params))
                };
                if !params.as_ref().is_some_and(of_task) {
                    tracing::debug!(backend = %self.backend, %method, "a notification that belongs to nobody was dropped");
                }
            }
            FeedEvent::Ask(ask) => ask
                .reply
                .refuse("this connection is shared and nobody can be asked on it"),
            FeedEvent::Renewed => {
                if let Some(core) = self.core.upgrade() {
                    core.spawn(renew::shared(Arc::clone(&core), Arc::clone(&self.backend)));
                }
            }
            FeedEvent::Resumed => {
                if let Some(core) = self.core.upgrade() {
                    core.updates.missed(&self.backend);
                    for session in core.sessions.all() {
                        if !session.has_own_link(&self.backend) {
                            renew::missed(&session, &self.backend);
                        }
                    }
                }
            }
            FeedEvent::Interrupted | FeedEvent::Ended => {}
        }
    }

    fn lives(&self, life: Life<'_>) {
        self.news.tell(life);
    }
}

/// Takes what a session's own link says: all of it is the session's.
pub(crate) struct SessionFeed {
    pub(crate) core: Weak<Core>,
    pub(crate) session: Weak<Session>,
    pub(crate) backend: Arc<str>,
}

impl FeedSink for SessionFeed {
    fn deliver(&self, event: FeedEvent) {
        let Some(session) = self.session.upgrade() else { return };
        match event {
            FeedEvent::Notification { method, .. } if is_list_change(&method) => {
                if let Some(core) = self.core.upgrade() {
                    core.own_lists_changed(&session, Arc::clone(&self.backend), method);
                }
            }
            FeedEvent::Notification { method, params } => {
                if method == method::RESOURCE_UPDATED
                    && let Some(core) = self.core.upgrade().filter(|core| core.reads.is_some())
                    && let Some(uri) = uri_of(params.as_ref())
                {
                    core.forget_read(&self.backend, &uri);
                }
                let early = |params| tasks::is_early(&session, &self.backend, &method, params);
                if params.as_ref().is_some_and(early) {
                    return;
                }
                if session.wants_log(&method, params.as_ref()) {
                    let params = match (self.core.upgrade(), params) {
                        (Some(core), Some(params)) => {
                            let (session, backend) = (&session, &self.backend);
                            Some(tasks::reworded_notification(&core, session, backend, &method, params))
                        }
                        (_, params) => params,
                    };
                    session.feed().push(FeedItem::Notification { method, params });
                }
            }
            FeedEvent::Ask(ask) => {
                if let Some(core) = self.core.upgrade() {
                    if let Some(error) = tasks::refuses(&core, &session, &self.backend, &ask) {
                        ask.reply.answer(&Answer::Error(error.to_raw()));
                        return;
                    }
                    let ask = tasks::reworded(&core, &session, &self.backend, ask);
                    session.feed().push(FeedItem::Ask(ask));
                }
            }
            FeedEvent::Ended => {
                if let Some(core) = self.core.upgrade() {
                    core.spawn(renew::restore(Arc::clone(&core), session, Arc::clone(&self.backend)));
                }
            }
            FeedEvent::Resumed => renew::missed(&session, &self.backend),
            FeedEvent::Interrupted | FeedEvent::Renewed => {}
        }
    }
}

/// The resource that changed.
fn uri_of(params: Option<&Raw>) -> Option<ByteString> {
    Object::parse(params?).ok()?.get_str("uri")
}

fn is_list_change(method: &str) -> bool {
    matches!(
        method,
        method::TOOLS_CHANGED | method::RESOURCES_CHANGED | method::PROMPTS_CHANGED
    )
}
