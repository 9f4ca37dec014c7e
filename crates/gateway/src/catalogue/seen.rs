//! What a snapshot is made of.

use std::sync::Arc;

use argus_upstream::{Hello, Lists, State, Upstream};

/// One backend at the moment of building.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(super) upstream: Arc<Upstream>,
    /// What it said of itself.
    pub(super) hello: Option<Arc<Hello>>,
    /// What it lists to the clients that the snapshot is for.
    pub(super) lists: Arc<Lists>,
    /// Whether clients see what it lists.
    pub(super) shown: bool,
}

impl Seen {
    pub(crate) fn new(upstream: &Arc<Upstream>, state: &State, lists: Arc<Lists>) -> Self {
        Self {
            upstream: Arc::clone(upstream),
            hello: state.hello.clone(),
            lists,
            shown: state.is_shown(),
        }
    }
}

/// Equal where a snapshot would be the same.
impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.upstream, &other.upstream)
            && self.shown == other.shown
            && self.hello == other.hello
            && self.lists == other.lists
    }
}
