//! The resources that are subscribed to on the legacy link that clients share: one subscription for all who want a
//! resource, made again where the link is a new one, and ended when nobody wants it.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use argus_protocol::{ByteString, Era, Raw, method};
use argus_upstream::{Link, LinkError, Upstream};
use futures::{FutureExt, StreamExt};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{ACKNOWLEDGE, Ear, FIRST_PAUSE, LAST_PAUSE, STEADY};
use crate::core::Core;

/// Requests that are under way at a time.
const AT_ONCE: usize = 16;
/// How often it is looked whether the backend turned out to be modern, while that is not known.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps the subscriptions of one backend.
pub(super) struct Subscribing {
    core: Arc<Core>,
    upstream: Arc<Upstream>,
    ear: Arc<Ear>,
    link: Option<Arc<Link>>,
    since: Instant,
    /// What was asked for on the link, and whether the backend took it.
    asked: HashMap<ByteString, bool>,
    /// Whether something may have been missed.
    gap: bool,
    pause: Duration,
    /// Not before this time it is tried again.
    not_before: Option<Instant>,
}

impl Subscribing {
    pub(super) fn new(core: Arc<Core>, upstream: Arc<Upstream>, ear: Arc<Ear>, gap: bool) -> Self {
        Self {
            core,
            upstream,
            ear,
            link: None,
            since: Instant::now(),
            asked: HashMap::new(),
            gap,
            pause: FIRST_PAUSE,
            not_before: None,
        }
    }

    /// Subscribes for as long as the backend is not modern; whether something may have been missed at the end.
    pub(super) async fn run(mut self) -> bool {
        self.ear.legacy.store(true, Ordering::Release);
        let mut wanted = self.ear.wanted.watch();
        loop {
            wanted.mark_unchanged();
            if self.round().await.is_break() {
                break;
            }
            self.wait(&mut wanted).await;
        }
        self.gap |= self.hears();
        if let Some(link) = self.link.take() {
            self.unsubscribe(&link, &BTreeSet::new()).await;
        }
        self.ear.legacy.store(false, Ordering::Release);
        self.gap
    }

    /// Makes what is subscribed to what is wanted.
    async fn round(&mut self) -> ControlFlow<()> {
        let (version, uris) = self.ear.wanted.now();
        self.forget_ended();
        if uris.is_empty() && self.link.is_none() {
            self.gap = false;
            self.say(version, None);
            return ControlFlow::Continue(());
        }
        let link = match &self.link {
            Some(_) if !uris.is_empty() && self.upstream.is_modern() == Some(true) => return ControlFlow::Break(()),
            Some(link) => Arc::clone(link),
            None if self.not_before.is_some_and(|then| Instant::now() < then) => return ControlFlow::Continue(()),
            None => match self.upstream.for_modern().await {
                Ok(link) if link.era() == Era::Modern => return ControlFlow::Break(()),
                Ok(link) => {
                    self.since = Instant::now();
                    Arc::clone(self.link.insert(link))
                }
                Err(cause) => {
                    self.later();
                    self.say(version, Some(cause));
                    return ControlFlow::Continue(());
                }
            },
        };
        let failure = self.subscribe(&link, &uris).await;
        self.unsubscribe(&link, &uris).await;
        if failure.is_some() {
            self.later();
        } else if std::mem::take(&mut self.gap) {
            // Nobody knows what happened while nothing was subscribed to.
            for (uri, _) in self.asked.iter().filter(|(_, taken)| **taken) {
                let params = Raw::from_value(&json!({ "uri": &**uri }));
                self.core.resource_updated(self.upstream.name(), uri, &params);
            }
        }
        self.say(version, failure);
        ControlFlow::Continue(())
    }

    async fn wait(&mut self, wanted: &mut watch::Receiver<u64>) {
        let (link, not_before) = (&self.link, self.not_before);
        let unknown = link.is_some() && self.upstream.is_modern().is_none();
        let missed = tokio::select! {
            // The sender is in `self.ear`. Whoever waits for it need not wait for the end of the pause.
            _ = wanted.changed() => {
                self.not_before = None;
                false
            }
            () = self.ear.missed.notified() => true,
            () = async {
                match link {
                    Some(link) => drop(link.wait_ended().await),
                    None => std::future::pending().await,
                }
            } => false,
            () = async {
                match not_before {
                    Some(then) => tokio::time::sleep_until(then).await,
                    None => std::future::pending().await,
                }
            } => {
                self.not_before = None;
                false
            }
            () = tokio::time::sleep(LOOK), if unknown => false,
        };
        self.gap |= missed && self.hears();
    }

    /// A link that ended took its subscriptions with it.
    fn forget_ended(&mut self) {
        if self.link.as_ref().is_none_or(|link| link.ended().is_none()) {
            return;
        }
        self.link = None;
        self.gap |= self.hears();
        self.asked.clear();
        if self.since.elapsed() >= STEADY {
            self.pause = FIRST_PAUSE;
        }
        self.later();
    }

    fn hears(&self) -> bool {
        self.asked.values().any(|taken| *taken)
    }

    fn later(&mut self) {
        self.not_before = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LAST_PAUSE);
    }

    /// Subscribes to what is not asked for yet; gives why one of them got no answer.
    async fn subscribe(&mut self, link: &Arc<Link>, uris: &BTreeSet<ByteString>) -> Option<LinkError> {
        if !link.hello().has_flag("resources", "subscribe") {
            return None;
        }
        let new = uris.iter().filter(|uri| !self.asked.contains_key(*uri)).cloned();
        let asking = new.map(|uri| {
            let link = Arc::clone(link);
            async move {
                let answer = ask(&link, method::RESOURCES_SUBSCRIBE, &uri).await;
                (uri, answer)
            }
            .boxed()
        });
        let asking: Vec<_> = asking.collect();
        let answers: Vec<_> = futures::stream::iter(asking).buffer_unordered(AT_ONCE).collect().await;
        let mut failure = None;
        for (uri, answer) in answers {
            match answer {
                Ok(_) => {
                    self.asked.insert(uri, true);
                }
                Err(error @ LinkError::Refused { .. }) => {
                    tracing::debug!(backend = %self.upstream.name(), %error, "a resource cannot be subscribed to");
                    self.asked.insert(uri, false);
                }
                Err(error) => failure = Some(error),
            }
        }
        failure
    }

    /// Ends the subscriptions that are not wanted any more.
    async fn unsubscribe(&mut self, link: &Arc<Link>, uris: &BTreeSet<ByteString>) {
        let mut gone = Vec::new();
        self.asked.retain(|uri, taken| {
            let keep = uris.contains(uri);
            if !keep && *taken {
                gone.push(uri.clone());
            }
            keep
        });
        let ending = gone.into_iter().map(|uri| {
            let (core, backend) = (Arc::clone(&self.core), Arc::clone(self.upstream.name()));
            end(core, backend, Arc::clone(link), uri).boxed()
        });
        let ending: Vec<_> = ending.collect();
        futures::stream::iter(ending)
            .buffer_unordered(AT_ONCE)
            .collect::<()>()
            .await;
    }

    /// Tells those who wait what became of this version of the wanted set.
    fn say(&self, version: u64, failure: Option<LinkError>) {
        let granted = self.asked.iter().filter(|(_, taken)| **taken);
        let granted = granted.map(|(uri, _)| uri.clone()).collect();
        self.ear.say(version, Arc::new(granted), failure);
    }
}

/// Ends a subscription, unless a session on the same link has it too.
async fn end(core: Arc<Core>, backend: Arc<str>, link: Arc<Link>, uri: ByteString) {
    if shared(&core, &backend, &uri) {
        return;
    }
    if let Err(error) = ask(&link, method::RESOURCES_UNSUBSCRIBE, &uri).await {
        tracing::debug!(%backend, %error, "a subscription cannot be ended");
    }
    // A session that subscribed meanwhile may have been overtaken.
    if shared(&core, &backend, &uri) {
        let _ = ask(&link, method::RESOURCES_SUBSCRIBE, &uri).await;
    }
}

/// Whether a session on the shared link subscribes to a resource.
fn shared(core: &Core, backend: &str, uri: &str) -> bool {
    let subscribes =
        |session: &Arc<crate::session::Session>| !session.has_own_link(backend) && session.subscribes(backend, uri);
    core.sessions.all().iter().any(subscribes)
}

async fn ask(link: &Link, method: &'static str, uri: &str) -> Result<Raw, LinkError> {
    link.ask(method, Some(Raw::from_value(&json!({ "uri": uri }))), ACKNOWLEDGE)
        .await
}
