//! What links say on the way to their sinks: list changes and interruptions are the catalogue's business.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, Weak};

use argus_protocol::method;

use crate::{FeedEvent, FeedSink, Upstream};

/// Which link says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Catalogue,
    Plain,
    Modern,
    /// A session's own, whose lists are the session's business.
    Owned,
}

/// The shared links whose own lists differ from the catalogue's: on stdio each is a process of its own, and over HTTP each
/// legacy one a session of its own.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) plain: AtomicBool,
    pub(crate) modern: AtomicBool,
}

/// Keeps list changes for the catalogue, which announces them once it shows them, and passes on the rest.
pub(crate) struct Watched {
    pub(crate) upstream: Weak<Upstream>,
    pub(crate) source: Source,
    pub(crate) sink: Arc<dyn FeedSink>,
}

impl FeedSink for Watched {
    fn deliver(&self, event: FeedEvent) {
        let seen = |upstream: Arc<Upstream>| match &event {
            FeedEvent::Notification { method, .. } => {
                self.source != Source::Owned && lists_changed(&upstream, self.source, method)
            }
            FeedEvent::Interrupted => {
                upstream.epoch.end();
                upstream.relist.notify_one();
                true
            }
            FeedEvent::Resumed | FeedEvent::Ended | FeedEvent::Renewed => {
                upstream.epoch.end();
                if self.source == Source::Plain && !matches!(event, FeedEvent::Resumed) {
                    upstream.fresh.plain.doubt();
                }
                false
            }
            FeedEvent::Ask(_) => false,
        };
        if !self.upstream.upgrade().is_some_and(seen) {
            self.sink.deliver(event);
        }
    }
}

/// Takes what concerns nobody.
pub(crate) struct Nobody;

impl FeedSink for Nobody {
    fn deliver(&self, event: FeedEvent) {
        if let FeedEvent::Ask(ask) = event {
            ask.reply.refuse("nobody is there to be asked");
        }
    }
}

/// Notes a list change and has the lists read again; `false` for any other notification.
fn lists_changed(upstream: &Upstream, source: Source, method: &str) -> bool {
    let mut announced = upstream.announced.lock().unwrap_or_else(PoisonError::into_inner);
    match method {
        method::TOOLS_CHANGED => announced.tools += 1,
        method::RESOURCES_CHANGED => {
            announced.resources += 1;
            upstream.epoch.end();
        }
        method::PROMPTS_CHANGED => announced.prompts += 1,
        _ => return false,
    }
    drop(announced);
    match source {
        Source::Plain => upstream.changed.plain.store(true, Ordering::Release),
        Source::Modern => upstream.changed.modern.store(true, Ordering::Release),
        Source::Catalogue | Source::Owned => {}
    }
    upstream.relist.notify_one();
    true
}
