//! The catalogue as each kind of client gets it.
//!
//! Lists are read from the catalogue's link, but what a backend offers may change within one process or session: a tool
//! that switches on others does so where it is called. A shared link that says that its lists changed is therefore listed
//! itself, for the clients that share it, and a session's own link for that session.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use argus_config::Config;
use argus_upstream::{Lists, State, Upstream};

use crate::catalogue::{Rules, Seen, Snapshot, build};
use crate::client::Client;
use crate::inventory::Inventory;
use crate::session::Session;

/// The snapshots that stand now.
#[derive(Debug)]
pub(crate) struct Catalogues {
    /// The configuration that holds now.
    config: ArcSwap<Config>,
    common: ArcSwap<Snapshot>,
    plain: ArcSwap<Snapshot>,
    modern: ArcSwap<Snapshot>,
    /// Held while a session's own snapshot is made, so that the one that stays is the newest.
    own: Mutex<()>,
}

impl Catalogues {
    /// Before any backend is there.
    pub(crate) fn empty(config: Arc<Config>) -> Self {
        let empty = Arc::new(build(Vec::new(), &Rules::from(&*config)));
        Self {
            common: ArcSwap::new(Arc::clone(&empty)),
            plain: ArcSwap::new(Arc::clone(&empty)),
            modern: ArcSwap::new(empty),
            own: Mutex::default(),
            config: ArcSwap::new(config),
        }
    }

    /// Another configuration holds from now on, and what `change` changes. What stands is made anew with it by
    /// [`Self::rebuild`], and no session's own snapshot is made meanwhile.
    pub(crate) fn configure(&self, config: Arc<Config>, change: impl FnOnce()) {
        let _newest = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        self.config.store(config);
        change();
    }

    /// What they are made by.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.config.load_full()
    }

    /// What most clients see.
    pub(crate) fn common(&self) -> Arc<Snapshot> {
        self.common.load_full()
    }

    /// What stands for all clients but those with a snapshot of their own.
    pub(crate) fn shared(&self) -> [Arc<Snapshot>; 3] {
        [self.common(), self.plain.load_full(), self.modern.load_full()]
    }

    /// What this client sees.
    pub(crate) fn of(&self, client: Client<'_>) -> Arc<Snapshot> {
        match client {
            Client::Modern(_) => self.modern.load_full(),
            Client::Legacy(session) => match session.own_catalogue() {
                Some(own) => own,
                None => self.usual(session),
            },
        }
    }

    /// What a session sees whose links are those of most clients like it.
    fn usual(&self, session: &Session) -> Arc<Snapshot> {
        match session.can_be_asked() {
            true => self.common.load_full(),
            false => self.plain.load_full(),
        }
    }

    /// Whether a shared process lists something of its own, so that it matters which link a session uses.
    pub(crate) fn differ(&self) -> bool {
        !Arc::ptr_eq(&self.common.load(), &self.plain.load())
    }

    /// Builds the shared snapshots anew, where they would differ.
    pub(crate) fn rebuild(&self, inventory: &Inventory) {
        let rules = Rules::from(&**self.config.load());
        let backends = seen(inventory, |_, state| Arc::clone(&state.lists));
        let common = renewed(&self.common.load(), backends, &rules);
        let variants: [(_, Pick); 2] = [
            (&self.plain, |_, state| state.plain.as_ref()),
            (&self.modern, |upstream, state| match upstream.is_modern() {
                Some(true) => state.modern.as_ref(),
                // Modern clients share the legacy link then.
                Some(false) | None => state.plain.as_ref(),
            }),
        ];
        for (variant, pick) in variants {
            let lists = |upstream: &Upstream, state: &State| Arc::clone(pick(upstream, state).unwrap_or(&state.lists));
            let backends = seen(inventory, lists);
            let standing = if common.shows(&backends, &rules) {
                &common
            } else {
                &variant.load()
            };
            variant.store(renewed(standing, backends, &rules));
        }
        inventory.note(common.conditions());
        self.common.store(common);
    }

    /// Builds a session's own snapshot anew, if its links list other things than [`Self::usual`] shows: some list something
    /// of their own, or it shares where others do not, or the reverse.
    pub(crate) fn rebuild_own(&self, inventory: &Inventory, session: &Session) {
        let _newest = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let own = session.own_lists();
        let lists = |upstream: &Upstream, state: &State| {
            let shared = || state.plain.as_ref().filter(|_| session.shares(upstream));
            let special = own.get(upstream.name()).or_else(shared);
            Arc::clone(special.unwrap_or(&state.lists))
        };
        let rules = Rules::from(&**self.config.load());
        let usual = self.usual(session);
        let backends = seen(inventory, lists);
        let made = (!own.is_empty() || !usual.shows(&backends, &rules)).then(|| {
            let others = [self.common(), self.plain.load_full()];
            let standing = others.into_iter().find(|other| other.shows(&backends, &rules));
            let standing = standing.or_else(|| session.own_catalogue());
            renewed(&standing.unwrap_or(usual), backends, &rules)
        });
        session.set_own_catalogue(made);
    }
}

/// The snapshot of these backends: the standing one, if it is.
fn renewed(standing: &Arc<Snapshot>, backends: Vec<Seen>, rules: &Rules) -> Arc<Snapshot> {
    if standing.shows(&backends, rules) {
        return Arc::clone(standing);
    }
    standing.lend(&backends);
    Arc::new(build(backends, rules))
}

/// Lists of a backend's that some clients see instead of the common ones.
type Pick = for<'s> fn(&Upstream, &'s State) -> Option<&'s Arc<Lists>>;

fn seen(inventory: &Inventory, lists: impl Fn(&Upstream, &State) -> Arc<Lists>) -> Vec<Seen> {
    let one = |upstream: &Arc<Upstream>| {
        let state = upstream.state();
        let lists = lists(upstream, &state);
        Seen::new(upstream, &state, lists)
    };
    inventory.upstreams().map(one).collect()
}
