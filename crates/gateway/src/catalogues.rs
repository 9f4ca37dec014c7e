//! The catalogue as each kind of client gets it.
//!
//! Lists are read from the catalogue's link, but what a backend offers may change within one process or session: a tool
//! that switches on others does so where it is called. A shared link that says that its lists changed is therefore listed
//! itself, for the clients that share it, and a session's own link for that session.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use argus_config::Config;
use argus_upstream::{Lists, State, Upstream};

use crate::catalogue::{Seen, Snapshot, build};
use crate::client::Client;
use crate::inventory::Inventory;
use crate::session::Session;

/// The snapshots that stand now.
#[derive(Debug)]
pub(crate) struct Catalogues {
    config: Arc<Config>,
    common: ArcSwap<Snapshot>,
    plain: ArcSwap<Snapshot>,
    modern: ArcSwap<Snapshot>,
    /// Held while a session's own snapshot is made, so that the one that stays is the newest.
    own: Mutex<()>,
}

impl Catalogues {
    /// Before any backend is there.
    pub(crate) fn empty(config: Arc<Config>) -> Self {
        let empty = Arc::new(snapshot(&config, Vec::new()));
        Self {
            common: ArcSwap::new(Arc::clone(&empty)),
            plain: ArcSwap::new(Arc::clone(&empty)),
            modern: ArcSwap::new(empty),
            own: Mutex::default(),
            config,
        }
    }

    /// What most clients see.
    pub(crate) fn common(&self) -> Arc<Snapshot> {
        self.common.load_full()
    }

    /// What this client sees.
    pub(crate) fn of(&self, client: Client<'_>) -> Arc<Snapshot> {
        match client {
            Client::Modern(_) => self.modern.load_full(),
            Client::Legacy(session) => match session.own_catalogue() {
                Some(own) => own,
                None if session.can_be_asked() => self.common.load_full(),
                None => self.plain.load_full(),
            },
        }
    }

    /// Builds the shared snapshots anew, where they would differ.
    pub(crate) fn rebuild(&self, inventory: &Inventory) {
        let common = self.renewed(
            &self.common.load(),
            seen(inventory, |_, state| Arc::clone(&state.lists)),
        );
        let variants: [(_, Pick); 2] = [
            (&self.plain, |state| state.plain.as_ref()),
            (&self.modern, |state| state.modern.as_ref()),
        ];
        for (variant, pick) in variants {
            let lists = |_: &Upstream, state: &State| Arc::clone(pick(state).unwrap_or(&state.lists));
            let backends = seen(inventory, lists);
            let standing = if common.shows(&backends) {
                &common
            } else {
                &variant.load()
            };
            variant.store(self.renewed(standing, backends));
        }
        inventory.note(common.conditions());
        self.common.store(common);
    }

    /// Builds a session's own snapshot anew, if some of its links list something of their own.
    pub(crate) fn rebuild_own(&self, inventory: &Inventory, session: &Session) {
        let _newest = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let own = session.own_lists();
        let made = (!own.is_empty()).then(|| {
            let lists = |upstream: &Upstream, state: &State| {
                let own = own.get(upstream.name());
                Arc::clone(own.unwrap_or(&state.lists))
            };
            let standing = session.own_catalogue().unwrap_or_else(|| self.common());
            self.renewed(&standing, seen(inventory, lists))
        });
        session.set_own_catalogue(made);
    }

    /// The snapshot of these backends: the standing one, if it is.
    fn renewed(&self, standing: &Arc<Snapshot>, backends: Vec<Seen>) -> Arc<Snapshot> {
        if standing.shows(&backends) {
            return Arc::clone(standing);
        }
        standing.lend(&backends);
        Arc::new(snapshot(&self.config, backends))
    }
}

/// Lists of a backend's that some clients see instead of the common ones.
type Pick = fn(&State) -> Option<&Arc<Lists>>;

fn seen(inventory: &Inventory, lists: impl Fn(&Upstream, &State) -> Arc<Lists>) -> Vec<Seen> {
    let one = |upstream: &Arc<Upstream>| {
        let state = upstream.state();
        let lists = lists(upstream, &state);
        Seen::new(upstream, &state, lists)
    };
    inventory.upstreams().map(one).collect()
}

fn snapshot(config: &Config, backends: Vec<Seen>) -> Snapshot {
    build(backends, &config.conflict_resolution, config.server.page_size)
}
