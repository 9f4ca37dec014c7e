//! One backend: what is held of it, and what it says.

use std::sync::{Arc, Mutex};

use arc_swap::Guard;
use argus_config::Backend;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::Backoff;
use crate::connect::Connector;
use crate::doubts::Doubts;
use crate::epoch::Epoch;
use crate::freshness::Fresh;
use crate::hellos::Hellos;
use crate::lent::Shelf;
use crate::owned::Owned;
use crate::probing::Probing;
use crate::pulse::Pulse;
use crate::retire::Retired;
use crate::room::Room;
use crate::slot::Slot;
use crate::state::{Changes, State};
use crate::tally::Tally;
use crate::turns::Turns;
use crate::verdict::Verdict;
use crate::vitals::Signs;
use crate::watched::{Changed, Source, Watched};
use crate::{FeedSink, Freshness, Life, Lists, Record};

/// One backend: its links, its era, its state.
pub struct Upstream {
    pub(crate) number: u64,
    pub(crate) connector: Connector,
    pub(crate) state: watch::Sender<Arc<State>>,
    pub(crate) stop: CancellationToken,
    pub(crate) relist: Notify,
    pub(crate) doubts: Doubts,
    pub(crate) announced: Mutex<Changes>,
    /// The shared links that said that their own lists changed.
    pub(crate) changed: Changed,
    pub(crate) epoch: Epoch,
    pub(crate) fresh: Fresh,
    pub(crate) sink: Arc<dyn FeedSink>,
    pub(crate) modern: Arc<Slot>,
    pub(crate) plain: Arc<Slot>,
    pub(crate) plain_backoff: Mutex<Backoff>,
    pub(crate) owned: Owned,
    pub(crate) shelf: Shelf,
    /// The places of sessions' and calls' own links.
    pub(crate) room: Room,
    pub(crate) turns: Turns,
    pub(crate) retired: Retired,
    pub(crate) record: Arc<Record>,
    pub(crate) signs: Signs,
    pub(crate) tally: Arc<Tally>,
    pub(crate) pulse: Pulse,
    pub(crate) verdict: Mutex<Verdict>,
    pub(crate) hellos: Hellos,
    pub(crate) probing: Probing,
    pub(crate) tasks: TaskTracker,
    /// Those of them that end links whose calls were given up.
    pub(crate) partings: TaskTracker,
}

impl Upstream {
    /// The backend's name in the configuration.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.connector.name
    }

    /// The backend as configured.
    #[must_use]
    pub fn definition(&self) -> Guard<Arc<Backend>> {
        self.connector.definition()
    }

    /// A number that no other upstream of this process has: two of one name are told apart by it.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The backend as it is now.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.borrow())
    }

    /// Follows the backend's state.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Arc<State>> {
        self.state.subscribe()
    }

    /// The ids of its processes now.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        self.connector.processes.ids()
    }

    /// Whether its url is spoken to over HTTP+SSE.
    #[must_use]
    pub fn speaks_sse(&self) -> bool {
        self.connector.speaks_sse()
    }

    /// What was read of the backend's resources holds no longer once this is another number.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.now()
    }

    /// Whether lists that it gives are what it has now; `lists` is one of those of `state`.
    #[must_use]
    pub fn freshness(&self, state: &State, lists: &Arc<Lists>) -> &Freshness {
        let is = |own: &Option<Arc<Lists>>| own.as_ref().is_some_and(|own| Arc::ptr_eq(own, lists));
        match () {
            () if is(&state.modern) => &self.fresh.modern,
            () if is(&state.plain) => &self.fresh.plain,
            () => &self.fresh.common,
        }
    }

    /// Whether what it said of itself when it was last made ready is what it would say now.
    #[must_use]
    pub fn freshness_of_hello(&self) -> &Freshness {
        &self.fresh.common
    }

    /// `sink`, with list changes read along the way.
    pub(crate) fn watched(self: &Arc<Self>, source: Source, sink: Arc<dyn FeedSink>) -> Arc<dyn FeedSink> {
        Arc::new(Watched {
            upstream: Arc::downgrade(self),
            source,
            sink,
        })
    }

    /// Tells what became of the connections. One whose place another one has, or none, speaks in nobody's name.
    pub(crate) fn tell(&self, life: Life<'_>) {
        if self.retired.is() {
            return;
        }
        if let Life::Failed { .. } = life {
            self.tally.attempt_failed();
        }
        self.sink.lives(life);
    }

    /// What failed before means nothing any more.
    pub(crate) fn forgive(&self) {
        self.plain.forgive();
        self.modern.forgive();
        self.owned.forgive();
        self.shelf.forgive();
    }

    /// Stops everything, bounded in time.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.part_in_order().await;
        let owned = self.owned.drain();
        let slots = owned.iter().chain([&self.modern, &self.plain]);
        for link in slots.filter_map(|slot| slot.close()).chain(self.shelf.close()) {
            self.tasks.spawn(async move { link.close().await });
        }
        self.tasks.close();
        self.tasks.wait().await;
        self.connector.stop().await;
        self.connector.context.http.farewells().await;
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream")
            .field("name", self.name())
            .finish_non_exhaustive()
    }
}
