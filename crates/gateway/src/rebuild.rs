//! The catalogue is made anew whenever the state of a backend is another one, and clients hear what differs.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use argus_protocol::method;
use argus_upstream::Changes;

use crate::catalogue::Snapshot;
use crate::core::Core;
use crate::events::{News, Severity, Stage, tell_changes};
use crate::health::Totals;
use crate::inventory::Inventory;
use crate::session::{FeedItem, Session};

impl Core {
    /// Makes the catalogue anew, and tells the clients what differs.
    pub(crate) fn rebuild(&self) {
        self.rebuild_after(&mut self.announced());
    }

    /// What clients were told of. The catalogue is not made anew while it is held.
    pub(crate) fn announced(&self) -> MutexGuard<'_, Announced> {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same as [`Self::rebuild`] for whoever has [`Self::announced`].
    pub(crate) fn rebuild_after(&self, seen: &mut Announced) {
        let inventory = self.inventory();
        // Read before the snapshots are built, so that these show at least as much.
        let states: Vec<_> = inventory
            .upstreams()
            .map(|upstream| (upstream.number(), upstream.state()))
            .collect();
        let before = self.catalogues.shared();
        self.catalogues.rebuild(&inventory);
        let changes = states.iter().map(|(number, state)| (*number, state.changes)).collect();
        let now = self.catalogues.shared();
        let announce = seen.differences(&before, &now, changes);
        let ([before, ..], [now, ..]) = (&before, &now);
        tell_changes(&self.events, before, now);
        let differ = self.catalogues.differ();
        let special = |session: &&Arc<Session>| differ || session.own_catalogue().is_some();
        for session in self.sessions.all().iter().filter(special) {
            self.catalogues.rebuild_own(&self.inventory(), session);
        }
        for method in announce {
            self.announce(method);
        }
        // The snapshot of backends that were all tried, or are known from before, stands now: whoever waited may look. It
        // is theirs from the start, so it is no change for them.
        if !states.iter().any(|(_, state)| state.is_awaited()) {
            self.startup.finish();
        }
        if states.iter().all(|(_, state)| state.tried) && !self.all_tried.swap(true, Ordering::Relaxed) {
            self.tell_started(&inventory);
        }
    }

    /// The numbers are those of `/manage/v1/health`.
    fn tell_started(&self, inventory: &Inventory) {
        let Totals { total, connected, .. } = Totals::of(inventory);
        let started = format!("All backends were tried: {connected} of {total} connected");
        let severity = if connected == total {
            Severity::Info
        } else {
            Severity::Warning
        };
        let news = News::new(Stage::Status, severity, started).with("state", "started");
        self.events
            .publish(news.with("connected", connected).with("backends", total));
    }

    /// Tells every client that a list changed.
    fn announce(&self, method: &'static str) {
        self.listens.list_changed(method);
        for session in self.sessions.all() {
            session.feed().push(FeedItem::list_change(method));
        }
    }
}

/// The changes that clients were told of, by the number of the upstream.
#[derive(Debug, Default)]
pub(crate) struct Announced(HashMap<u64, Changes>);

impl Announced {
    /// The list changes to announce: what differs for some clients, and what a backend announced even if nothing seems to
    /// differ.
    fn differences(
        &mut self,
        old: &[Arc<Snapshot>],
        new: &[Arc<Snapshot>],
        changes: HashMap<u64, Changes>,
    ) -> Vec<&'static str> {
        let before = std::mem::replace(&mut self.0, changes);
        let said = |pick: fn(&Changes) -> u64| {
            self.0
                .iter()
                .any(|(number, now)| before.get(number).map_or(0, pick) != pick(now))
        };
        let differing: Vec<_> = old
            .iter()
            .zip(new)
            .flat_map(|(old, new)| old.differences(new))
            .collect();
        [
            (method::TOOLS_CHANGED, said(|changes| changes.tools)),
            (method::RESOURCES_CHANGED, said(|changes| changes.resources)),
            (method::PROMPTS_CHANGED, said(|changes| changes.prompts)),
        ]
        .into_iter()
        .filter_map(|(method, said)| (said || differing.contains(&method)).then_some(method))
        .collect()
    }
}

/// Rebuilds the catalogue whenever a backend changes.
pub(crate) async fn keep_catalogue(core: Arc<Core>) {
    loop {
        core.rebuild();
        let changed = core.changed.notified();
        if core.stopping.run_until_cancelled(changed).await.is_none() {
            return;
        }
    }
}
