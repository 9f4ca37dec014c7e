//! The resources that are subscribed to on the legacy link that clients share: one subscription for all who want a
//! resource, made again where the link is a new one, and ended when nobody wants it. A resource that the backend does not
//! answer for keeps no other waiting.

mod book;

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use argus_protocol::{ByteString, Era, Raw, method};
use argus_upstream::{Link, LinkError, Upstream};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{ACKNOWLEDGE, Ear, FIRST_PAUSE, Heard, LAST_PAUSE, STEADY};
use crate::core::Core;
use book::{Book, Request};

/// Requests that are under way at a time.
const AT_ONCE: usize = 32;
/// How often it is looked whether the backend turned out to be modern, while that is not known.
const LOOK: Duration = Duration::from_secs(1);

/// Keeps the subscriptions of one backend.
pub(super) struct Subscribing {
    core: Arc<Core>,
    upstream: Arc<Upstream>,
    ear: Arc<Ear>,
    link: Option<Arc<Link>>,
    since: Instant,
    /// The version of the wanted set that the backend is told of.
    version: u64,
    /// How the resources stand on the link.
    book: Book,
    under_way: FuturesUnordered<BoxFuture<'static, Answered>>,
    /// Why the backend could not be asked, or gave no answer.
    failure: Option<LinkError>,
    /// Whether something may have been missed.
    gap: bool,
    /// The resources whose updates may have been missed, until they are subscribed to.
    unsure: HashSet<ByteString>,
    pause: Duration,
    /// Not before this time it is tried again.
    not_before: Option<Instant>,
}

/// The answer to a request about a resource.
type Answered = (Request, ByteString, Result<Raw, LinkError>);

/// What happens next.
enum Turn {
    Answered(Answered),
    /// Something else is wanted, the link has ended, or it is time to try again.
    Again,
}

impl Subscribing {
    pub(super) fn new(core: Arc<Core>, upstream: Arc<Upstream>, ear: Arc<Ear>, gap: bool) -> Self {
        Self {
            core,
            upstream,
            ear,
            link: None,
            since: Instant::now(),
            version: 0,
            book: Book::default(),
            under_way: FuturesUnordered::new(),
            failure: None,
            gap,
            unsure: HashSet::new(),
            pause: FIRST_PAUSE,
            not_before: None,
        }
    }

    /// Subscribes for as long as the backend is not modern; whether something may have been missed at the end.
    pub(super) async fn run(mut self) -> bool {
        self.ear.legacy.store(true, Ordering::Release);
        let mut wanted = self.ear.wanted.watch();
        'rounds: loop {
            wanted.mark_unchanged();
            if self.round().await.is_break() {
                break;
            }
            loop {
                match self.turn(&mut wanted).await {
                    Turn::Answered(answered) => self.answered(answered),
                    Turn::Again => continue 'rounds,
                }
            }
        }
        let gap = self.gap || self.book.hears() || !self.unsure.is_empty();
        self.end_all().await;
        self.ear.legacy.store(false, Ordering::Release);
        gap
    }

    /// Makes what is subscribed to what is wanted.
    async fn round(&mut self) -> ControlFlow<()> {
        let (version, uris) = self.ear.wanted.now();
        self.version = version;
        self.forget_ended();
        self.unsure.retain(|uri| uris.contains(uri));
        if uris.is_empty() && self.link.is_none() {
            self.gap = false;
            self.failure = None;
            self.say();
            return ControlFlow::Continue(());
        }
        match &self.link {
            Some(_) if !uris.is_empty() && self.upstream.is_modern() == Some(true) => return ControlFlow::Break(()),
            Some(_) => {}
            None if self.not_before.is_some_and(|then| Instant::now() < then) => return ControlFlow::Continue(()),
            None => match self.upstream.for_modern().await {
                Ok(link) if link.era() == Era::Modern => return ControlFlow::Break(()),
                Ok(link) => self.begin(link, &uris),
                Err(cause) => {
                    self.later();
                    self.failure = Some(cause);
                    self.say();
                    return ControlFlow::Continue(());
                }
            },
        }
        let again = self.not_before.is_none();
        if again {
            self.failure = None;
        }
        if self
            .link
            .as_ref()
            .is_some_and(|link| link.hello().has_flag("resources", "subscribe"))
        {
            self.book.want(&uris, again);
        }
        self.ask_on();
        self.say();
        ControlFlow::Continue(())
    }

    /// A fresh link, on which nothing is subscribed to yet.
    fn begin(&mut self, link: Arc<Link>, uris: &BTreeSet<ByteString>) {
        self.since = Instant::now();
        self.link = Some(link);
        if std::mem::take(&mut self.gap) {
            // Nobody knows what happened while nothing was subscribed to.
            self.unsure.extend(uris.iter().cloned());
        }
    }

    async fn turn(&mut self, wanted: &mut watch::Receiver<u64>) -> Turn {
        let (link, not_before) = (&self.link, self.not_before);
        let unknown = link.is_some() && self.upstream.is_modern().is_none();
        let missed = tokio::select! {
            Some(answered) = self.under_way.next() => return Turn::Answered(answered),
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
        if missed {
            self.book.heard().for_each(|uri| self.may_have_changed(uri));
        }
        Turn::Again
    }

    /// A link that ended took its subscriptions with it.
    fn forget_ended(&mut self) {
        if self.link.as_ref().is_none_or(|link| link.ended().is_none()) {
            return;
        }
        self.link = None;
        self.gap |= self.book.hears() || !self.unsure.is_empty();
        self.book = Book::default();
        self.under_way.clear();
        if self.since.elapsed() >= STEADY {
            self.pause = FIRST_PAUSE;
        }
        self.later();
    }

    fn later(&mut self) {
        self.not_before = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LAST_PAUSE);
    }

    /// Sends the requests that have room.
    fn ask_on(&mut self) {
        let Some(link) = &self.link else { return };
        while self.under_way.len() < AT_ONCE
            && let Some((request, uri)) = self.book.next()
        {
            let (core, upstream, link) = (Arc::clone(&self.core), Arc::clone(&self.upstream), Arc::clone(link));
            let asking = async move {
                let answer = match request {
                    Request::Subscribe => ask(&link, method::RESOURCES_SUBSCRIBE, &uri).await,
                    Request::Unsubscribe => end(&core, upstream.name(), &link, &uri).await,
                };
                (request, uri, answer)
            };
            self.under_way.push(asking.boxed());
        }
    }

    /// An answer came, and perhaps others with it.
    fn answered(&mut self, answered: Answered) {
        let mut next = Some(answered);
        while let Some((request, uri, answer)) = next {
            match request {
                Request::Subscribe => self.subscribed(&uri, answer),
                Request::Unsubscribe => {
                    if let Err(error) = answer {
                        tracing::debug!(backend = %self.upstream.name(), %error, "a subscription cannot be ended");
                    }
                    self.book.ended(&uri, self.ear.wanted.has(&uri));
                }
            }
            next = self.under_way.next().now_or_never().flatten();
        }
        self.ask_on();
        self.say();
    }

    fn subscribed(&mut self, uri: &ByteString, answer: Result<Raw, LinkError>) {
        let wanted = self.ear.wanted.has(uri);
        match answer {
            Ok(_) => {
                self.book.taken(uri, wanted);
                if self.unsure.remove(uri) {
                    self.may_have_changed(uri);
                }
            }
            Err(error @ LinkError::Refused { .. }) => {
                tracing::debug!(backend = %self.upstream.name(), %error, "a resource cannot be subscribed to");
                self.book.refused(uri, wanted);
                self.unsure.remove(uri);
            }
            Err(error) => {
                self.book.failed(uri, wanted);
                self.failure = Some(error);
                if self.not_before.is_none() {
                    self.later();
                }
            }
        }
    }

    fn may_have_changed(&self, uri: &ByteString) {
        let params = Raw::from_value(&json!({ "uri": &**uri }));
        self.core.resource_updated(self.upstream.name(), uri, &params);
    }

    /// Another link serves from now on: ends what is subscribed to on this one.
    async fn end_all(&mut self) {
        while let Some((request, uri, answer)) = self.under_way.next().await {
            if matches!((request, answer), (Request::Subscribe, Ok(_))) {
                self.book.taken(&uri, true);
            }
        }
        self.book.want(&BTreeSet::new(), false);
        self.ask_on();
        while self.under_way.next().await.is_some() {
            self.ask_on();
        }
    }

    /// Tells those who wait what became of what is wanted.
    fn say(&self) {
        self.ear.say(Heard {
            version: self.version,
            granted: Arc::new(self.book.heard().cloned().collect()),
            open: Arc::new(self.book.open().cloned().collect()),
            failure: self.failure.clone(),
        });
    }
}

/// Ends a subscription, unless a session on the same link has it too.
async fn end(core: &Core, backend: &str, link: &Link, uri: &str) -> Result<Raw, LinkError> {
    if shared(core, backend, uri) {
        return Ok(Raw::empty_object());
    }
    let ended = ask(link, method::RESOURCES_UNSUBSCRIBE, uri).await;
    // A session that subscribed meanwhile may have been overtaken.
    match shared(core, backend, uri) {
        true => ask(link, method::RESOURCES_SUBSCRIBE, uri).await,
        false => ended,
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
