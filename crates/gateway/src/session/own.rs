//! What a session has of its own at backends: links, and what these list.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwapOption;
use argus_protocol::ByteString;
use argus_upstream::{Link, Lists, Upstream};

use super::Session;
use super::state::lock;
use crate::catalogue::Snapshot;

/// A session's own link to a backend, and the number of the upstream that it is of.
type OwnLink = (u64, Arc<Link>);

/// The links of one session.
#[derive(Debug, Default)]
pub(super) struct Own {
    links: Mutex<HashMap<Arc<str>, OwnLink>>,
    /// The backends that had no room for a link of its own.
    without_room: Mutex<HashSet<Arc<str>>>,
    /// What links of its own list, where that changed within them.
    own_lists: Mutex<HashMap<Arc<str>, Arc<Lists>>>,
    /// The backends whose own lists are being read, with the list changes that the next read is for.
    rereading: Mutex<HashMap<Arc<str>, Vec<ByteString>>>,
    own_catalogue: ArcSwapOption<Snapshot>,
}

impl Session {
    pub(crate) fn link_to(&self, upstream: &Upstream) -> Option<Arc<Link>> {
        lock(&self.own.links)
            .get(upstream.name())
            .filter(|(number, link)| *number == upstream.number() && link.ended().is_none())
            .map(|(_, link)| Arc::clone(link))
    }

    /// Keeps a link of the session's own; `true` when it takes the place of another one.
    pub(crate) fn keep_link(&self, upstream: &Upstream, link: &Arc<Link>) -> bool {
        let kept = (upstream.number(), Arc::clone(link));
        let before = lock(&self.own.links).insert(Arc::clone(upstream.name()), kept);
        before.is_some_and(|(_, before)| !Arc::ptr_eq(&before, link))
    }

    /// Whether the session has a link of its own to a backend.
    pub(crate) fn has_own_link(&self, backend: &str) -> bool {
        lock(&self.own.links).contains_key(backend)
    }

    /// Notes whether a backend gave the session a link of its own; `true` where that is new.
    pub(crate) fn note_place(&self, backend: &Arc<str>, own: bool) -> bool {
        let mut without_room = lock(&self.own.without_room);
        match own {
            true => without_room.remove(backend),
            false => without_room.insert(Arc::clone(backend)),
        }
    }

    /// Another backend of that name may have room.
    pub(crate) fn forget_place(&self, backend: &str) {
        lock(&self.own.without_room).remove(backend);
    }

    /// The backend is configured no more: lets go what the session has of it.
    pub(crate) fn forget_backend(&self, backend: &str) {
        lock(&self.own.links).remove(backend);
        for uri in self.subscriptions(backend) {
            self.unsubscribe(backend, &uri);
        }
    }

    /// Whether the session's calls to a backend go on a shared link.
    pub(crate) fn shares(&self, upstream: &Upstream) -> bool {
        !upstream.gives_own(self.can_be_asked()) || lock(&self.own.without_room).contains(upstream.name())
    }

    /// The catalogue of this session alone, where its links list other things than the snapshot of most clients like it.
    pub(crate) fn own_catalogue(&self) -> Option<Arc<Snapshot>> {
        self.own.own_catalogue.load_full()
    }

    pub(crate) fn set_own_catalogue(&self, snapshot: Option<Arc<Snapshot>>) {
        self.own.own_catalogue.store(snapshot);
    }

    pub(crate) fn own_lists(&self) -> HashMap<Arc<str>, Arc<Lists>> {
        lock(&self.own.own_lists).clone()
    }

    /// Keeps what a link of the session's own lists, unless another one took its place meanwhile.
    pub(crate) fn keep_own_lists(&self, backend: &Arc<str>, link: &Arc<Link>, lists: Arc<Lists>) {
        let links = lock(&self.own.links);
        if links
            .get(backend)
            .is_some_and(|(_, standing)| Arc::ptr_eq(standing, link))
        {
            lock(&self.own.own_lists).insert(Arc::clone(backend), lists);
        }
    }

    /// Notes that lists of the session's own changed; `true` where nobody reads them yet, so that the caller has to.
    pub(crate) fn note_change(&self, backend: &Arc<str>, method: ByteString) -> bool {
        let mut rereading = lock(&self.own.rereading);
        match rereading.get_mut(backend) {
            Some(methods) if methods.contains(&method) => false,
            Some(methods) => {
                methods.push(method);
                false
            }
            None => {
                rereading.insert(Arc::clone(backend), vec![method]);
                true
            }
        }
    }

    /// The changes that the read that begins now is for; `None` where there are none, and the reading ends.
    pub(crate) fn take_changes(&self, backend: &str) -> Option<Vec<ByteString>> {
        let mut rereading = lock(&self.own.rereading);
        let methods = rereading.get_mut(backend).map(std::mem::take).unwrap_or_default();
        if methods.is_empty() {
            rereading.remove(backend);
            return None;
        }
        Some(methods)
    }

    /// A new link lists what all others do; `true` when the old one listed something of its own.
    pub(crate) fn forget_own_lists(&self, backend: &Arc<str>) -> bool {
        lock(&self.own.own_lists).remove(backend).is_some()
    }

    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        lock(&self.own.links)
            .values()
            .map(|(_, link)| Arc::clone(link))
            .collect()
    }

    pub(crate) fn drop_links(&self) {
        lock(&self.own.links).clear();
    }
}
