//! What a snapshot is made of.

use std::sync::{Arc, OnceLock};

use arc_swap::Guard;
use argus_config::Backend;
use argus_upstream::{Freshness, Hello, Lists, State, Upstream};

use super::items::Offered;

/// One backend at the moment of building.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(super) upstream: Arc<Upstream>,
    /// As it is configured.
    pub(super) definition: Arc<Backend>,
    /// What it said of itself.
    pub(super) hello: Option<Arc<Hello>>,
    /// What it lists to the clients that the snapshot is for.
    pub(super) lists: Arc<Lists>,
    /// Whether that is what it has now.
    pub(super) fresh: Freshness,
    /// Whether clients see what it lists.
    pub(super) shown: bool,
    offered: OnceLock<Arc<Offered>>,
}

impl Seen {
    pub(crate) fn new(upstream: &Arc<Upstream>, state: &State, lists: Arc<Lists>) -> Self {
        Self {
            upstream: Arc::clone(upstream),
            definition: Guard::into_inner(upstream.definition()),
            hello: state.hello.clone(),
            fresh: upstream.freshness(state, &lists).clone(),
            lists,
            shown: state.shown,
            offered: OnceLock::new(),
        }
    }

    /// Whether clients see what it lists, and it has introduced itself.
    pub(super) fn is_there(&self) -> bool {
        self.shown && self.hello.is_some()
    }

    /// What it offers; read when first asked for.
    pub(super) fn offered(&self) -> &Offered {
        let read = || Arc::new(Offered::of(&self.definition, &self.lists));
        self.offered.get_or_init(read)
    }

    fn is_same_backend(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.upstream, &other.upstream) && Arc::ptr_eq(&self.definition, &other.definition)
    }

    /// Takes over what others read of the same lists.
    pub(super) fn borrow_from(&self, others: &[Self]) {
        let same = |other: &&Self| self.is_same_backend(other) && self.lists == other.lists;
        if let Some(offered) = others.iter().find(same).and_then(|other| other.offered.get()) {
            // What is there already is as good.
            let _ = self.offered.set(Arc::clone(offered));
        }
    }
}

/// Equal where a snapshot would be the same.
impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        self.is_same_backend(other)
            && self.shown == other.shown
            && self.hello == other.hello
            && self.lists == other.lists
    }
}
