//! How the gateway begins.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use arc_swap::ArcSwap;
use argus_config::Config;
use argus_upstream::{Context, GracePeriod, HttpClient, Logs, Remembered, Verdicts};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalogues::Catalogues;
use crate::core::Core;
use crate::disabled::Disabled;
use crate::events::{Events, News, SessionNews, Stage};
use crate::feeds::shared_feed;
use crate::inventory::{Inventory, Starter};
use crate::journal::{self, Journal};
use crate::listens::Listens;
use crate::parked::Parked;
use crate::reads::Reads;
use crate::rebuild::keep_catalogue;
use crate::seal::Seal;
use crate::seats::sweep_sessions;
use crate::session::{Bounds, Sessions};
use crate::startup::Startup;
use crate::stateless::Stateless;
use crate::tasks::{Early, Owners};
use crate::updates::Updates;
use crate::wanted::Wanted;

/// What the gateway needs besides its configuration.
#[derive(Debug)]
pub struct Options {
    /// Where verdicts, lists and sessions are remembered; nothing is when `None`.
    pub data_folder: Option<PathBuf>,
    /// The program that guards child processes.
    pub guard: argus_runtime::GuardProgram,
    /// Seals what clients carry.
    pub seal: Seal,
    /// The client for backends behind a URL.
    pub http: HttpClient,
}

impl Core {
    /// Begins to connect to all backends and to keep the catalogue.
    pub(crate) fn start(config: Arc<Config>, options: Options) -> Arc<Self> {
        let context = Arc::new(Context {
            http: options.http,
            guard: options.guard,
            verdicts: Verdicts::in_folder(options.data_folder.as_deref()),
            grace: Arc::new(GracePeriod::new(config.catalogue.grace)),
            remembered: Remembered::in_folder(options.data_folder.as_deref()),
            logs: Logs::default(),
        });
        let journal = options.data_folder.as_deref().and_then(|folder| {
            let server = &config.server;
            Journal::in_folder(folder, server.session_idle_timeout, server.max_sessions)
        });
        let seal = Arc::new(options.seal);
        let events = Arc::new(Events::default());
        let (version, backends) = (env!("CARGO_PKG_VERSION"), config.backends.len());
        let starting = format!("Argus MCP {version} starts (backends: {backends})");
        events.publish(News::info(Stage::Status, starting).with("state", "starting"));
        let disabled = Disabled::in_folder(options.data_folder.as_deref(), journal.is_some());
        let core = Arc::new_cyclic(|core: &Weak<Core>| {
            let sink = |name: &str| shared_feed(core, &events, name);
            Core {
                inventory: ArcSwap::from_pointee(Inventory::start(
                    &config,
                    &Starter {
                        context: &context,
                        disabled: &disabled,
                        sink: &sink,
                        renewing: None,
                        sole: journal.is_some(),
                    },
                )),
                disabled,
                context,
                applying: Mutex::default(),
                left: Mutex::default(),
                changed: Arc::default(),
                announced: Mutex::default(),
                sessions: Sessions::new(Bounds::from(&config.server), journal.clone(), Arc::clone(&seal)),
                seal,
                parked: Parked::new(config.server.parked_call_timeout),
                startup: Startup::begin(config.server.startup_wait),
                stateless: Stateless::default(),
                listens: Listens::new(Bounds::from(&config.server)),
                stopping: CancellationToken::new(),
                catalogues: Catalogues::empty(Arc::clone(&config)),
                wanted: Wanted::default(),
                updates: Updates::default(),
                reads: Reads::new(&config.cache),
                session_news: SessionNews::new(Arc::clone(&events)),
                events: Arc::clone(&events),
                all_tried: AtomicBool::new(false),
                owners: Owners::default(),
                early: Early::default(),
                me: Weak::clone(core),
                tasks: TaskTracker::new(),
                began: Instant::now(),
            }
        });
        for upstream in core.inventory().upstreams() {
            core.follow(upstream);
        }
        core.tasks.spawn(keep_catalogue(Arc::clone(&core)));
        core.tasks.spawn(sweep_sessions(Arc::clone(&core)));
        if let Some(journal) = journal {
            core.tasks.spawn(journal::keep(Arc::clone(&core), journal));
        }
        core
    }
}
