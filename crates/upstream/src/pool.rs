//! The links to one backend, and who gets which.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use argus_config::Sharing;
use argus_protocol::Era;

use crate::owned::Place;
use crate::slot::Slot;
use crate::watched::{Nobody, Source};
use crate::{Declared, FeedSink, Link, LinkError, Upstream, listen};

impl Upstream {
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

    /// The shared link that is live, of those that serve calls.
    pub(crate) fn live_plain(&self) -> Option<Arc<Link>> {
        self.plain.live()
    }

    pub(crate) fn live_modern(&self) -> Option<Arc<Link>> {
        self.modern.live()
    }
}

fn stopped() -> LinkError {
    LinkError::Closed("the gateway is stopping".to_owned())
}
