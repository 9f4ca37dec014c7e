//! What the parts of the gateway share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use argus_protocol::version;
use argus_upstream::{Context, Upstream};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalogues::Catalogues;
use crate::disabled::Disabled;
use crate::events::{Events, SessionNews};
use crate::inventory::Inventory;
use crate::listens::Listens;
use crate::parked::Parked;
use crate::reads::Reads;
use crate::rebuild::Announced;
use crate::seal::Seal;
use crate::session::Sessions;
use crate::startup::Startup;
use crate::stateless::Stateless;
use crate::tasks::{Early, Owners};
use crate::updates::Updates;
use crate::wanted::Wanted;

/// What the parts of the gateway share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) inventory: ArcSwap<Inventory>,
    /// Backends that are not to run.
    pub(crate) disabled: Disabled,
    /// What all backends share.
    pub(crate) context: Arc<Context>,
    /// Held while another configuration is applied, and for the moment in which the gateway begins to stop.
    pub(crate) applying: Mutex<()>,
    /// Backends that are not in the inventory any more, and on which calls may still be under way.
    pub(crate) left: Mutex<Vec<Weak<Upstream>>>,
    /// The state of a backend is another one.
    pub(crate) changed: Arc<Notify>,
    /// Held while the catalogue is made anew.
    pub(crate) announced: Mutex<Announced>,
    pub(crate) sessions: Sessions,
    pub(crate) seal: Arc<Seal>,
    /// Calls that wait for answers of their clients.
    pub(crate) parked: Parked,
    pub(crate) startup: Startup,
    /// The callers without a session.
    pub(crate) stateless: Stateless,
    /// The streams on which modern clients listen.
    pub(crate) listens: Listens,
    pub(crate) stopping: CancellationToken,
    pub(crate) catalogues: Catalogues,
    /// The resources that clients want to hear updates of.
    pub(crate) wanted: Wanted,
    /// The backends that are listened to for updates.
    pub(crate) updates: Updates,
    /// What was read and may be given to others; `None` where that is switched off.
    pub(crate) reads: Option<Reads>,
    /// What happened, for operators.
    pub(crate) events: Arc<Events>,
    pub(crate) session_news: SessionNews,
    /// Whether it was told that all backends were tried.
    pub(crate) all_tried: AtomicBool,
    /// Whose the tasks of backends are.
    pub(crate) owners: Owners,
    /// What was said of tasks that were nobody's yet.
    pub(crate) early: Early,
    /// This very core, for what outlives a call.
    pub(crate) me: Weak<Core>,
    pub(crate) tasks: TaskTracker,
    pub(crate) began: Instant,
}

impl Core {
    /// All backends as they are configured now.
    pub(crate) fn inventory(&self) -> Arc<Inventory> {
        self.inventory.load_full()
    }

    /// Other backends from now on.
    pub(crate) fn set_inventory(&self, inventory: Inventory) {
        self.inventory.store(Arc::new(inventory));
    }

    /// Makes the catalogue anew whenever the state of a backend is another one.
    pub(crate) fn follow(&self, upstream: &Upstream) {
        let mut states = upstream.watch();
        let changed = Arc::clone(&self.changed);
        let stopping = self.stopping.clone();
        self.tasks.spawn(async move {
            while let Some(Ok(())) = stopping.run_until_cancelled(states.changed()).await {
                changed.notify_one();
            }
        });
    }

    /// Does something in the background to its end; it must see for itself that it ends when the gateway stops.
    pub(crate) fn spawn_to_the_end(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    /// Does something in the background, until the gateway stops.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        self.tasks
            .spawn(async move { stopping.run_until_cancelled(work).await });
    }

    /// Whether clients may open sessions.
    pub(crate) fn has_sessions(&self) -> bool {
        self.catalogues.config().feature_flags.session_management
    }

    /// The revisions that are spoken.
    pub(crate) fn spoken(&self) -> &'static [&'static str] {
        match self.has_sessions() {
            true => &version::SPOKEN,
            false => &version::SPOKEN_STATELESS,
        }
    }

    /// The time since the start.
    pub(crate) fn uptime(&self) -> Duration {
        self.began.elapsed()
    }
}
