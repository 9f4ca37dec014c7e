//! What is heard of resources that change.

use std::collections::HashSet;
use std::sync::Arc;

use argus_protocol::{ByteString, Raw, method};
use argus_upstream::Upstream;

use crate::core::Core;
use crate::session::FeedItem;

impl Core {
    /// A backend says that a resource changed, or may have: tells the sessions for which the gateway hears of it, and the
    /// modern clients that listen.
    pub(crate) fn resource_updated(&self, backend: &str, uri: &str, params: &Raw) {
        self.forget_read(backend, uri);
        self.tell_listens(backend, uri, params);
        for session in self.sessions.all() {
            if session.hears(backend, uri) {
                session.feed().push(FeedItem::Notification {
                    method: ByteString::from_static(method::RESOURCE_UPDATED),
                    params: Some(params.clone()),
                });
            }
        }
    }

    /// What was read of a resource is out of date.
    pub(crate) fn forget_read(&self, backend: &str, uri: &str) {
        if let Some(reads) = &self.reads {
            reads.updated(backend, uri);
        }
    }

    /// From now on the updates of a backend's resources are heard of.
    pub(crate) fn heard_from_now(&self, backend: &Arc<str>, uris: &HashSet<ByteString>) {
        if let Some(reads) = &self.reads {
            reads.heard_from_now(backend, uris);
        }
    }

    /// Tells the modern clients that listen to a resource, or to one that it is part of, that it changed.
    pub(crate) fn tell_listens(&self, backend: &str, uri: &str, params: &Raw) {
        let shown = |upstream: &Arc<Upstream>| upstream.definition().filters.resources.passes(uri);
        if self.inventory().named(backend).as_ref().is_some_and(shown) {
            self.listens.updated(backend, uri, params);
        }
    }
}
