//! What the parts of the gateway share, and the tasks that keep it current.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use argus_config::Config;
use argus_protocol::{ByteString, Raw, method, version};
use argus_upstream::{Changes, Context, Declared, FeedSink, HttpClient, Phase, Remembered, State, Upstream, Verdicts};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::catalogue::Snapshot;
use crate::catalogues::Catalogues;
use crate::client::Client;
use crate::events::{BackendNews, Events, News, SessionEnd, SessionNews, Severity, Stage, tell_changes};
use crate::feeds::SharedFeed;
use crate::inventory::Inventory;
use crate::journal::{self, Journal};
use crate::listens::Listens;
use crate::parked::Parked;
use crate::reads::Reads;
use crate::seal::Seal;
use crate::session::{Bounds, Caller, FeedItem, Life, Session, SessionError, Sessions};
use crate::startup::Startup;
use crate::stateless::Stateless;
use crate::tasks::{Early, Owners};
use crate::updates::Updates;
use crate::wanted::Wanted;

/// How often it is looked for what sessions no longer need, and for sessions that nobody uses; more often where these
/// end soon.
const SWEEP: Duration = Duration::from_secs(60);
/// Changes of a session's own lists that are announced this close together are read once.
const GATHER: Duration = Duration::from_millis(10);

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

/// What the parts of the gateway share.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) inventory: Inventory,
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
    all_tried: AtomicBool,
    /// Whose the tasks of backends are.
    pub(crate) owners: Owners,
    /// What was said of tasks that were nobody's yet.
    pub(crate) early: Early,
    /// This very core, for what outlives a call.
    pub(crate) me: Weak<Core>,
    tasks: TaskTracker,
    began: Instant,
}

impl Core {
    /// Begins to connect to all backends and to keep the catalogue.
    pub(crate) fn start(config: Arc<Config>, options: Options) -> Arc<Self> {
        let context = Arc::new(Context {
            http: options.http,
            guard: options.guard,
            verdicts: Verdicts::in_folder(options.data_folder.as_deref()),
            grace: config.catalogue.grace,
            remembered: Remembered::in_folder(options.data_folder.as_deref()),
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
        let core = Arc::new_cyclic(|core: &Weak<Core>| {
            let sink = |backend: &str| -> Arc<dyn FeedSink> {
                let backend: Arc<str> = backend.into();
                Arc::new(SharedFeed {
                    core: Weak::clone(core),
                    news: BackendNews::new(Arc::clone(&events), Arc::clone(&backend)),
                    backend,
                })
            };
            Core {
                inventory: Inventory::start(&config, &context, &sink),
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
        core.tasks.spawn(keep_catalogue(Arc::clone(&core)));
        core.tasks.spawn(sweep_sessions(Arc::clone(&core)));
        if let Some(journal) = journal {
            core.tasks.spawn(journal::keep(Arc::clone(&core), journal));
        }
        core
    }

    /// Ends all listeners and standing streams.
    pub(crate) fn drain(&self) {
        if self.stopping.is_cancelled() {
            return;
        }
        let stopping = "Argus MCP stops; calls in flight may finish";
        self.events
            .publish(News::info(Stage::Status, stopping).with("state", "stopping"));
        self.stopping.cancel();
    }

    /// Ends all listeners, and what sessions hold in this process, and stops all backends. Bounded in time.
    pub(crate) async fn stop(&self) {
        self.drain();
        // Their backends hear of it while they are there.
        self.parked.given_up().await;
        let living = self.sessions.all();
        if let Some(journal) = self.sessions.journal() {
            journal.last(living.clone());
        }
        for session in living {
            self.sessions.leave(session.id());
        }
        if let Some(journal) = self.sessions.journal() {
            journal.finish();
        }
        futures::future::join_all(self.inventory.upstreams().map(|upstream| upstream.stop())).await;
        self.tasks.close();
        self.tasks.wait().await;
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

    /// A session's own link says that its lists changed: reads them, for this session, and then tells its client. One
    /// read at a time; what is said meanwhile is for the next one.
    pub(crate) fn own_lists_changed(&self, session: &Arc<Session>, backend: Arc<str>, method: ByteString) {
        let Some(core) = self.me.upgrade() else { return };
        if !session.note_change(&backend, method) {
            return;
        }
        let session = Arc::clone(session);
        self.tasks.spawn(async move {
            let reading = async {
                loop {
                    tokio::time::sleep(GATHER).await;
                    let Some(methods) = session.take_changes(&backend) else {
                        return;
                    };
                    core.read_own_lists(&session, &backend).await;
                    // The client is told in any case: something changed, even if it cannot be read.
                    for method in methods {
                        session.feed().push(FeedItem::Notification { method, params: None });
                    }
                }
            };
            let _ = session.over().run_until_cancelled(reading).await;
        });
    }

    /// A backend says that a resource changed, or may have: tells the sessions for which the gateway hears of it, and the
    /// modern clients that listen.
    pub(crate) fn resource_updated(&self, backend: &str, uri: &str, params: &Raw) {
        self.forget_read(backend, uri);
        self.tell_listens(backend, uri, params);
        for session in self.sessions.all() {
            if session.hears(backend, uri) {
                session.feed().push(FeedItem::Notification {
                    method: ByteString::from_static(method::RESOURCE_UPDATED),
                    params: Some(params.clone()),
                });
            }
        }
    }

    /// What was read of a resource is out of date.
    pub(crate) fn forget_read(&self, backend: &str, uri: &str) {
        if let Some(reads) = &self.reads {
            reads.updated(backend, uri);
        }
    }

    /// From now on the updates of a backend's resources are heard of.
    pub(crate) fn heard_from_now(&self, backend: &Arc<str>, uris: &HashSet<ByteString>) {
        if let Some(reads) = &self.reads {
            reads.heard_from_now(backend, uris);
        }
    }

    /// Tells the modern clients that listen to a resource, or to one that it is part of, that it changed.
    pub(crate) fn tell_listens(&self, backend: &str, uri: &str, params: &Raw) {
        let shown = |upstream: &Arc<Upstream>| upstream.definition().filters.resources.passes(uri);
        if self.inventory.named(backend).is_some_and(shown) {
            self.listens.updated(backend, uri, params);
        }
    }

    async fn read_own_lists(&self, session: &Session, backend: &Arc<str>) {
        if let Some(upstream) = self.inventory.named(backend)
            && let Some(link) = session.link_to(upstream)
            && let Ok(lists) = link.lists(upstream.definition().timeouts.cap_fetch).await
        {
            session.keep_own_lists(backend, &link, Arc::new(lists));
            self.catalogues.rebuild_own(&self.inventory, session);
        }
    }

    /// A session's calls go on other links than before: shows it what these list, and tells its client what differs.
    pub(crate) fn links_changed(&self, session: &Arc<Session>) {
        let before = self.catalogues.of(Client::from(session));
        self.catalogues.rebuild_own(&self.inventory, session);
        for method in before.differences(&self.catalogues.of(Client::from(session))) {
            session.feed().push(list_change(method));
        }
    }

    /// Opens a session.
    pub(crate) fn open_session(
        &self,
        version: &'static str,
        declared: Declared,
        caller: Caller,
        life: Life,
    ) -> Result<Arc<Session>, SessionError> {
        let session = self.make_room(caller, || self.sessions.open(version, declared.clone(), caller, life))?;
        self.session_news.opened(&session, false);
        Ok(session)
    }

    /// Lets a session in; where there are too many, or too many of the caller, the one of them that nobody has used for
    /// longest ends.
    pub(crate) fn make_room(
        &self,
        caller: Caller,
        let_in: impl Fn() -> Result<Arc<Session>, SessionError>,
    ) -> Result<Arc<Session>, SessionError> {
        let first = let_in();
        let unused = match &first {
            Err(SessionError::TooMany(_)) => self.sessions.longest_idle(None),
            Err(SessionError::TooManyOfCaller(_)) => self.sessions.longest_idle(Some(caller)),
            _ => None,
        };
        let session = match unused {
            None => first?,
            Some(unused) => {
                tracing::debug!(session = unused.number(), "a session ends to make room");
                self.end_session(unused.id(), SessionEnd::MadeRoom);
                let_in()?
            }
        };
        if self.catalogues.differ() {
            self.catalogues.rebuild_own(&self.inventory, &session);
        }
        Ok(session)
    }

    pub(crate) fn end_session(&self, id: &str, how: SessionEnd) -> bool {
        let Some(session) = self.sessions.close(id) else {
            return false;
        };
        self.session_news.ended(&session, how);
        for upstream in self.inventory.upstreams() {
            upstream.release(session.number());
        }
        true
    }

    fn rebuild(&self, seen: &mut Announced) {
        // Read before the snapshots are built, so that these show at least as much.
        let states: Vec<_> = self.inventory.upstreams().map(|upstream| upstream.state()).collect();
        let before = self.catalogues.shared();
        self.catalogues.rebuild(&self.inventory);
        let changes: Vec<Changes> = states.iter().map(|state| state.changes).collect();
        let now = self.catalogues.shared();
        let announce = seen.differences(&before, &now, &changes);
        let ([before, ..], [now, ..]) = (&before, &now);
        tell_changes(&self.events, before, now);
        let differ = self.catalogues.differ();
        let special = |session: &&Arc<Session>| differ || session.own_catalogue().is_some();
        for session in self.sessions.all().iter().filter(special) {
            self.catalogues.rebuild_own(&self.inventory, session);
        }
        for method in announce {
            self.announce(method);
        }
        // The snapshot of backends that were all tried, or are known from before, stands now: whoever waited may look. It
        // is theirs from the start, so it is no change for them.
        if !states.iter().any(|state| state.is_awaited()) {
            self.startup.finish();
        }
        if states.iter().all(|state| state.tried) && !self.all_tried.swap(true, Ordering::Relaxed) {
            self.tell_started(&states);
        }
    }

    fn tell_started(&self, states: &[Arc<State>]) {
        let ready = states.iter().filter(|state| state.phase == Phase::Ready).count();
        let all = self.inventory.iter().count();
        let started = format!("All backends were tried: {ready} of {all} connected");
        let severity = if ready == all {
            Severity::Info
        } else {
            Severity::Warning
        };
        let news = News::new(Stage::Status, severity, started).with("state", "started");
        self.events.publish(news.with("connected", ready).with("backends", all));
    }

    /// Tells every client that a list changed.
    fn announce(&self, method: &'static str) {
        self.listens.list_changed(method);
        for session in self.sessions.all() {
            session.feed().push(list_change(method));
        }
    }
}

fn list_change(method: &'static str) -> FeedItem {
    FeedItem::Notification {
        method: ByteString::from_static(method),
        params: None,
    }
}

/// The changes that clients were told of.
#[derive(Debug, Default)]
struct Announced(Vec<Changes>);

impl Announced {
    /// The list changes to announce: what differs for some clients, and what a backend announced even if nothing seems to
    /// differ.
    fn differences(&mut self, old: &[Arc<Snapshot>], new: &[Arc<Snapshot>], changes: &[Changes]) -> Vec<&'static str> {
        let before = std::mem::replace(&mut self.0, changes.to_vec());
        let said = |pick: fn(&Changes) -> u64| {
            changes
                .iter()
                .enumerate()
                .any(|(at, now)| before.get(at).map_or(0, pick) != pick(now))
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
async fn keep_catalogue(core: Arc<Core>) {
    let changed = Arc::new(Notify::new());
    for upstream in core.inventory.upstreams() {
        let mut states = upstream.watch();
        let changed = Arc::clone(&changed);
        let stopping = core.stopping.clone();
        core.tasks.spawn(async move {
            while let Some(Ok(())) = stopping.run_until_cancelled(states.changed()).await {
                changed.notify_one();
            }
        });
    }
    let mut announced = Announced::default();
    loop {
        core.rebuild(&mut announced);
        if core.stopping.run_until_cancelled(changed.notified()).await.is_none() {
            return;
        }
    }
}

/// Ends sessions that nobody uses any more, and lets go what the others no longer need.
async fn sweep_sessions(core: Arc<Core>) {
    let pause = (core.sessions.max_idle() / 2).min(SWEEP);
    while core
        .stopping
        .run_until_cancelled(tokio::time::sleep(pause))
        .await
        .is_some()
    {
        for session in core.sessions.idle() {
            tracing::debug!(session = session.number(), "an idle session ends");
            core.end_session(session.id(), SessionEnd::Expired);
        }
        for session in core.sessions.all() {
            session.expire();
        }
        core.stateless.sweep();
    }
}
