//! All links to one backend.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use argus_config::{Backend, Protocol, Sharing};
use argus_protocol::{Era, version};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::backoff::Backoff;
use crate::connect::{Connector, refuses_legacy};
use crate::doubts::Doubts;
use crate::epoch::Epoch;
use crate::hellos::Hellos;
use crate::lent::Shelf;
use crate::owned::{Owned, Place};
use crate::probing::Probing;
use crate::pulse::Pulse;
use crate::room::Room;
use crate::slot::Slot;
use crate::state::{Changes, State};
use crate::turns::Turns;
use crate::verdict::Verdict;
use crate::vitals::Signs;
use crate::watched::{Changed, Nobody, Source, Watched};
use crate::{
    Context, Declared, FeedSink, Freshness, Hello, Life, Link, LinkError, Lists, listen, remembering, supervisor,
};

/// One backend: its links, its era, its state.
pub struct Upstream {
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
    sink: Arc<dyn FeedSink>,
    pub(crate) modern: Arc<Slot>,
    pub(crate) plain: Arc<Slot>,
    pub(crate) plain_backoff: Mutex<Backoff>,
    owned: Owned,
    pub(crate) shelf: Shelf,
    /// The places of sessions' and calls' own links.
    pub(crate) room: Room,
    pub(crate) turns: Turns,
    pub(crate) signs: Signs,
    pub(crate) pulse: Pulse,
    verdict: Mutex<Verdict>,
    hellos: Hellos,
    probing: Probing,
    pub(crate) tasks: TaskTracker,
    /// Those of them that end links whose calls were given up.
    pub(crate) partings: TaskTracker,
}

/// Whether the lists of a [`State`] are what the backend has.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    /// Of the catalogue's link.
    pub(crate) common: Freshness,
    /// Of the shared legacy link.
    pub(crate) plain: Freshness,
    /// Of the modern link, where that is not the catalogue's.
    pub(crate) modern: Freshness,
}

impl Fresh {
    /// Nothing is known of any of them.
    pub(crate) fn doubt(&self) {
        for one in [&self.common, &self.plain, &self.modern] {
            one.doubt();
        }
    }
}

impl Upstream {
    /// Begins to connect to a backend and keeps at it. What shared links say outside calls goes to `sink`.
    #[must_use]
    pub fn start(definition: Arc<Backend>, context: Arc<Context>, sink: Arc<dyn FeedSink>) -> Arc<Self> {
        let digest = definition.digest();
        let verdict = match definition.protocol {
            Protocol::Auto => context.verdicts.load(&digest),
            Protocol::Legacy => Verdict {
                legacy: Some(true),
                modern: Some(false),
            },
            Protocol::Modern => Verdict {
                legacy: Some(false),
                modern: Some(true),
            },
        };
        let turns = Turns::new(&definition.usage);
        let signs = Signs::new(&definition.health);
        let known = context.remembered.load(&digest);
        let upstream = Arc::new(Self {
            connector: Connector::new(context, definition),
            state: watch::Sender::new(Arc::new(State::from_before(known.clone()))),
            stop: CancellationToken::new(),
            relist: Notify::new(),
            doubts: Doubts::default(),
            announced: Mutex::default(),
            changed: Changed::default(),
            epoch: Epoch::begin(),
            fresh: Fresh::default(),
            sink,
            modern: Arc::default(),
            plain: Arc::default(),
            plain_backoff: Mutex::new(Backoff::new()),
            owned: Owned::default(),
            shelf: Shelf::default(),
            room: Room::default(),
            turns,
            signs,
            pulse: Pulse::default(),
            verdict: Mutex::new(verdict),
            hellos: Hellos::default(),
            probing: Probing::default(),
            tasks: TaskTracker::new(),
            partings: TaskTracker::new(),
        });
        upstream.tasks.spawn(supervisor::run(Arc::clone(&upstream)));
        let beating = Arc::clone(&upstream);
        upstream
            .tasks
            .spawn(async move { beating.stop.run_until_cancelled(beating.pulse.run()).await });
        upstream.tasks.spawn(remembering::run(Arc::clone(&upstream), known));
        upstream
    }

    /// The backend's name in the configuration.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.connector.name
    }

    /// The backend as configured.
    #[must_use]
    pub fn definition(&self) -> &Backend {
        &self.connector.definition
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

    /// A link for a modern caller: modern if the backend speaks it, else the shared legacy one.
    ///
    /// # Errors
    /// When the backend cannot be reached.
    pub async fn for_modern(self: &Arc<Self>) -> Result<Arc<Link>, LinkError> {
        if let Some(link) = self.modern.live() {
            return Ok(link);
        }
        self.settle_modern().await;
        match self.verdict().modern {
            Some(true) => self.modern().await,
            Some(false) | None => self.plain_legacy().await,
        }
    }

    /// A link for legacy callers that declare nothing that a backend could ask for; modern if the backend is only that.
    ///
    /// # Errors
    /// When the backend cannot be reached.
    pub async fn for_plain(self: &Arc<Self>) -> Result<Arc<Link>, LinkError> {
        if let Some(link) = self.plain.live() {
            return Ok(link);
        }
        if self.verdict().legacy == Some(false) {
            return self.modern().await;
        }
        match self.plain_legacy().await {
            Err(error) if self.verdict().legacy == Some(false) => self.modern().await.map_err(|_| error),
            made => made,
        }
    }

    /// A link of a session's own, which tells the backend what the session's client declared. `sink` takes what it says
    /// outside calls. It lives until [`Self::release`].
    ///
    /// # Errors
    /// When the backend cannot be reached.
    pub async fn for_session(
        self: &Arc<Self>,
        session: u64,
        declared: &Declared,
        sink: Arc<dyn FeedSink>,
    ) -> Result<Arc<Link>, LinkError> {
        if self.verdict().legacy == Some(false) {
            return self.modern().await;
        }
        let Some(slot) = self.slot_of(session) else {
            return self.for_plain().await;
        };
        let made = self.make_legacy(&slot, declared.clone(), true, sink).await;
        match made {
            Err(error) if self.verdict().legacy == Some(false) => self.modern().await.map_err(|_| error),
            made => made,
        }
    }

    /// The session is over: its link ends.
    pub fn release(&self, session: u64) {
        let Some(slot) = self.owned.release(session) else {
            return;
        };
        self.room.give_back();
        if let Some(link) = slot.close() {
            self.tasks.spawn(async move { link.close().await });
        }
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

    /// Whether a session gets a link of its own here, if there is room. `can_be_asked`: its client offers something
    /// that a backend could ask for.
    #[must_use]
    pub fn gives_own(&self, can_be_asked: bool) -> bool {
        match self.definition().usage.sharing {
            Sharing::Auto => can_be_asked,
            Sharing::Shared => false,
            Sharing::Session => true,
        }
    }

    /// How many links may belong to somebody.
    pub(crate) fn most_owned(&self) -> usize {
        match self.connector.is_duplex() {
            true => self.definition().usage.max_processes,
            false => usize::MAX,
        }
    }

    /// How many links may be with calls that wait for answers of their clients: not all, where they are limited.
    #[must_use]
    pub fn most_parked(&self) -> usize {
        match self.most_owned() {
            usize::MAX => usize::MAX,
            most => (most - 1).max(1),
        }
    }

    /// The place for a session's link; `None` when there are too many processes already.
    fn slot_of(&self, session: u64) -> Option<Arc<Slot>> {
        let limit = self.most_owned();
        match self
            .owned
            .place(session, limit, || self.room.take(limit) || self.make_room())
        {
            Place::Own(slot) => Some(slot),
            Place::Shared { first } => {
                if first {
                    tracing::warn!(
                        backend = %self.name(),
                        "{limit} processes or connections belong to sessions or calls already (max_processes); another one shares and cannot be asked",
                    );
                }
                None
            }
        }
    }

    pub(crate) async fn plain_legacy(self: &Arc<Self>) -> Result<Arc<Link>, LinkError> {
        self.make_legacy(&self.plain, Declared::nothing(), false, Arc::clone(&self.sink))
            .await
    }

    async fn make_legacy(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        declared: Declared,
        owned: bool,
        sink: Arc<dyn FeedSink>,
    ) -> Result<Arc<Link>, LinkError> {
        if self.stop.is_cancelled() {
            return Err(stopped());
        }
        let source = if owned { Source::Owned } else { Source::Plain };
        let sink = self.watched(source, sink);
        let (upstream, listening) = (Arc::clone(self), Arc::clone(&sink));
        let connect = move || async move {
            let making = Box::pin(upstream.connector.clone().legacy(declared, owned, listening));
            let made = upstream.unless_stopped(making).await;
            if !owned && upstream.changed.plain.swap(false, Ordering::AcqRel) {
                upstream.relist.notify_one();
            }
            upstream.learn_legacy(&made);
            made
        };
        let upstream = Arc::clone(self);
        slot.get(&self.tasks, connect, move |link| upstream.revive(link, sink))
            .await
    }

    pub(crate) fn learn_legacy(&self, made: &Result<Link, LinkError>) {
        match made {
            Ok(link) => {
                self.hellos.heard(link);
                self.learn(Era::Legacy, true);
            }
            Err(error) if refuses_legacy(error) => self.learn(Era::Legacy, false),
            Err(_) => {}
        }
    }

    /// The modern link.
    pub(crate) async fn modern(self: &Arc<Self>) -> Result<Arc<Link>, LinkError> {
        if self.stop.is_cancelled() {
            return Err(stopped());
        }
        let upstream = Arc::clone(self);
        let connect = move || async move {
            let sink = upstream.watched(Source::Modern, Arc::clone(&upstream.sink));
            let making = Box::pin(upstream.connector.clone().modern(sink));
            let made = upstream.unless_stopped(making).await;
            if upstream.changed.modern.swap(false, Ordering::AcqRel) {
                upstream.relist.notify_one();
            }
            match &made {
                Ok(link) => {
                    upstream.hellos.heard(link);
                    upstream.epoch.linked();
                    upstream.learn(Era::Modern, true);
                }
                Err(error) if error.is_refusal() => upstream.learn(Era::Modern, false),
                Err(_) => {}
            }
            made
        };
        let upstream = Arc::clone(self);
        self.modern
            .get(&self.tasks, connect, move |link| upstream.stand(link))
            .await
    }

    /// Waits for a link in the making; a backend that does not answer must not hold up the end.
    pub(crate) async fn unless_stopped(
        &self,
        making: impl Future<Output = Result<Link, LinkError>>,
    ) -> Result<Link, LinkError> {
        let made = self.stop.run_until_cancelled(making).await;
        made.unwrap_or_else(|| Err(stopped()))
    }

    /// Listens on a fresh modern link, and watches for its end.
    fn stand(self: &Arc<Self>, link: &Arc<Link>) {
        let sink = self.watched(Source::Modern, Arc::clone(&self.sink));
        let (upstream, link) = (Arc::clone(self), Arc::clone(link));
        self.tasks.spawn(async move {
            let standing = async {
                listen::stand(Arc::clone(&link), sink, &upstream.epoch).await;
                link.wait_ended().await;
            };
            if upstream.stop.run_until_cancelled(standing).await.is_some() {
                upstream.epoch.end();
                upstream.fresh.modern.doubt();
            }
        });
    }

    /// The catalogue's link in the legacy era: it declares everything, and whatever it asks is refused.
    pub(crate) async fn legacy_catalogue(self: &Arc<Self>) -> Result<Link, LinkError> {
        let sink = self.watched(Source::Catalogue, Arc::new(Nobody));
        let made = self.connector.clone().legacy(Declared::everything(), false, sink).await;
        self.learn_legacy(&made);
        made
    }

    /// Finds out whether the backend is modern, if that is not known; waits at most a second from the beginning of the
    /// probe, which goes on after that. A probe that comes to nothing is not repeated for a while.
    pub async fn settle_modern(self: &Arc<Self>) {
        if self.verdict().modern.is_some() {
            return;
        }
        let Some(until) = self.probing.begin() else { return };
        let upstream = Arc::clone(self);
        let probe = self.tasks.spawn(async move {
            let made = upstream.modern().await;
            upstream.probing.end(made.is_err());
        });
        // Whatever comes of it is in the verdict.
        let _ = tokio::time::timeout_at(until, probe).await;
    }

    /// Whether the backend speaks the modern era; `None` while that is not known.
    #[must_use]
    pub fn is_modern(&self) -> Option<bool> {
        self.verdict().modern
    }

    /// Whether the backend speaks no other era than the modern one, as far as is known.
    #[must_use]
    pub fn is_only_modern(&self) -> bool {
        self.verdict().legacy == Some(false)
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

    /// What the backend said of itself in an era: on the last connection of that era, whose ever it is, or else when it
    /// was last made ready, if that was in this era. `None` where nothing was heard of it, or it has left the era.
    #[must_use]
    pub fn hello_in(&self, era: Era) -> Option<Arc<Hello>> {
        let verdict = self.verdict();
        let speaks = match era {
            Era::Legacy => verdict.legacy,
            Era::Modern => verdict.modern,
        };
        let of_era = |hello: &Arc<Hello>| (hello.version == version::MODERN) == (era == Era::Modern);
        let last = self.hellos.last(era).filter(|_| speaks != Some(false));
        last.or_else(|| self.state.borrow().hello.clone().filter(of_era))
    }

    pub(crate) fn verdict(&self) -> Verdict {
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn learn(&self, era: Era, speaks: bool) {
        if self.connector.definition.protocol != Protocol::Auto {
            return;
        }
        if era == Era::Modern && !speaks {
            self.evict_modern();
        }
        let mut verdict = self.verdict.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match era {
            Era::Legacy => &mut verdict.legacy,
            Era::Modern => &mut verdict.modern,
        };
        if *known == Some(speaks) {
            return;
        }
        *known = Some(speaks);
        // Speaking neither is no verdict: something else is wrong, and all is open again.
        if *verdict
            == (Verdict {
                legacy: Some(false),
                modern: Some(false),
            })
        {
            *verdict = Verdict::default();
        }
        let learnt = *verdict;
        drop(verdict);
        tracing::debug!(backend = %self.name(), ?learnt, "era of the backend");
        self.connector
            .context
            .verdicts
            .save(&self.connector.definition.digest(), learnt);
    }

    /// `sink`, with list changes read along the way.
    pub(crate) fn watched(self: &Arc<Self>, source: Source, sink: Arc<dyn FeedSink>) -> Arc<dyn FeedSink> {
        Arc::new(Watched {
            upstream: Arc::downgrade(self),
            source,
            sink,
        })
    }

    /// The backend does not speak the modern era any more: a stateless link would never notice.
    fn evict_modern(&self) {
        if let Some(link) = self.modern.evict() {
            self.tasks.spawn(async move { link.close().await });
        }
    }

    /// Tells what became of the connections.
    pub(crate) fn tell(&self, life: Life<'_>) {
        self.sink.lives(life);
    }

    /// What failed before means nothing any more.
    pub(crate) fn forgive(&self) {
        self.plain.forgive();
        self.modern.forgive();
        self.owned.forgive();
        self.shelf.forgive();
    }

    /// The shared link that is live, of those that serve calls.
    pub(crate) fn live_plain(&self) -> Option<Arc<Link>> {
        self.plain.live()
    }

    pub(crate) fn live_modern(&self) -> Option<Arc<Link>> {
        self.modern.live()
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream")
            .field("name", self.name())
            .finish_non_exhaustive()
    }
}

fn stopped() -> LinkError {
    LinkError::Closed("the gateway is stopping".to_owned())
}
