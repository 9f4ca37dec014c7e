//! Hearing of updates of resources, at each backend once for all who want to: by one stream of a modern backend, by
//! subscriptions on the shared link of a legacy one.

mod listening;
mod subscribing;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argus_protocol::{ByteString, RpcError, code, method};
use argus_upstream::{LinkError, Upstream};
use tokio::sync::{Notify, watch};

use crate::core::Core;
use crate::wanted::{Want, WantedUris};
use listening::Listening;
use subscribing::Subscribing;

/// How long a backend may take to be reached and to acknowledge.
const ACKNOWLEDGE: Duration = Duration::from_secs(5);
/// How long one who wants a URI waits: for the stream that is being opened, and for the one with this URI.
const PATIENCE: Duration = Duration::from_secs(12);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// What stood this long starts the pauses anew.
const STEADY: Duration = Duration::from_secs(5);

/// The backends that are listened to.
#[derive(Debug, Default)]
pub(crate) struct Updates(Mutex<HashMap<Arc<str>, Arc<Ear>>>);

/// What is wanted of one backend, and what it grants.
#[derive(Debug)]
struct Ear {
    wanted: Arc<WantedUris>,
    heard: watch::Sender<Heard>,
    /// Whether it hears on the legacy link that clients share.
    legacy: AtomicBool,
    /// Something may have been missed on that link.
    missed: Notify,
}

/// What the backend said to a version of the wanted set.
#[derive(Debug, Clone, Default)]
struct Heard {
    version: u64,
    granted: Arc<HashSet<ByteString>>,
    /// The resources that it has not answered for yet.
    open: Arc<HashSet<ByteString>>,
    /// Why there is no stream for this version.
    failure: Option<LinkError>,
}

impl Updates {
    /// Wants the updates of a resource, as long as what this gives is kept. They go to [`Core::resource_updated`], from
    /// when [`Self::granted`] says so.
    pub(crate) fn want(core: &Core, upstream: &Arc<Upstream>, uri: &str) -> Want {
        core.updates.ear(core, upstream).wanted.want(uri)
    }

    /// Waits until the backend grants a resource that is wanted.
    ///
    /// # Errors
    /// When the backend cannot be listened to, or does not offer the updates of this resource.
    pub(crate) async fn granted(core: &Core, upstream: &Arc<Upstream>, uri: &str) -> Result<(), RpcError> {
        let heard = Self::heard(core, upstream, |open| !open.contains(uri), PATIENCE).await;
        let failure = match heard {
            Ok(heard) if heard.granted.contains(uri) => return Ok(()),
            Ok(heard) => heard.failure,
            Err(_) => Some(LinkError::Timeout {
                what: method::LISTEN,
                after: PATIENCE,
            }),
        };
        Err(match failure {
            Some(cause) => cause.to_rpc(upstream.name()),
            None => {
                let why = format!("backend `{}`: it offers no updates of this resource", upstream.name());
                RpcError::new(code::INVALID_PARAMS, why)
            }
        })
    }

    /// The resources that the backend brings updates of, once it has answered to what is wanted here, or the patience is
    /// over.
    pub(crate) async fn settled(
        core: &Core,
        upstream: &Arc<Upstream>,
        wants: &[Want],
        patience: Duration,
    ) -> Arc<HashSet<ByteString>> {
        let answered = |open: &HashSet<ByteString>| !wants.iter().any(|want| open.contains(want.uri()));
        let heard = Self::heard(core, upstream, answered, patience).await;
        heard.unwrap_or_else(|so_far| so_far).granted
    }

    /// What the backend said, once it has heard of all that is wanted now and has answered; else what it said so far.
    async fn heard(
        core: &Core,
        upstream: &Arc<Upstream>,
        answered: impl Fn(&HashSet<ByteString>) -> bool,
        patience: Duration,
    ) -> Result<Heard, Heard> {
        let ear = core.updates.ear(core, upstream);
        let version = ear.wanted.version();
        let mut heard = ear.heard.subscribe();
        let settled = heard.wait_for(|heard| heard.version >= version && answered(&heard.open));
        match tokio::time::timeout(patience, settled).await {
            Ok(Ok(heard)) => Ok(heard.clone()),
            Ok(Err(_)) | Err(_) => Err(ear.heard.borrow().clone()),
        }
    }

    /// Whether what the shared legacy link of a backend says is heard here.
    pub(crate) fn hears_shared(&self, backend: &str) -> bool {
        self.known(backend)
            .is_some_and(|ear| ear.legacy.load(Ordering::Acquire))
    }

    /// Whether a resource is subscribed to on the shared legacy link of a backend, or about to be.
    pub(crate) fn wants_shared(&self, backend: &str, uri: &str) -> bool {
        self.known(backend)
            .is_some_and(|ear| ear.legacy.load(Ordering::Acquire) && ear.wanted.has(uri))
    }

    /// What the shared legacy link of a backend said for a while is lost.
    pub(crate) fn missed(&self, backend: &str) {
        if let Some(ear) = self.known(backend) {
            ear.missed.notify_one();
        }
    }

    /// Hears of what is wanted of a backend that is there anew.
    pub(crate) fn resume(core: &Core, upstream: &Arc<Upstream>) {
        if !core.wanted.at(upstream.name()).is_empty() {
            core.updates.ear(core, upstream);
        }
    }

    /// The backend is there no more.
    fn forget(&self, backend: &str, ear: &Arc<Ear>) {
        let mut ears = self.ears();
        if ears.get(backend).is_some_and(|known| Arc::ptr_eq(known, ear)) {
            ears.remove(backend);
        }
    }

    fn known(&self, backend: &str) -> Option<Arc<Ear>> {
        self.ears().get(backend).cloned()
    }

    fn ears(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Ear>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ear at a backend; it begins to listen when there is something to listen for.
    fn ear(&self, core: &Core, upstream: &Arc<Upstream>) -> Arc<Ear> {
        let mut ears = self.ears();
        if let Some(ear) = ears.get(upstream.name()) {
            return Arc::clone(ear);
        }
        let ear = Arc::new(Ear {
            wanted: core.wanted.at(upstream.name()),
            heard: watch::Sender::default(),
            legacy: AtomicBool::new(false),
            missed: Notify::new(),
        });
        ears.insert(Arc::clone(upstream.name()), Arc::clone(&ear));
        drop(ears);
        if let Some(me) = core.me.upgrade() {
            core.spawn(hear(me, Arc::clone(upstream), Arc::clone(&ear)));
        }
        ear
    }
}

impl Ear {
    /// Tells those who wait what became of a version of the wanted set.
    fn say(&self, said: Heard) {
        self.heard.send_if_modified(|heard| {
            let same = heard.version == said.version && heard.granted == said.granted && heard.open == said.open;
            let news = !same || said.failure.is_some();
            *heard = said;
            news
        });
    }
}

/// Hears in the way of the era that the backend speaks, for as long as the gateway runs and has the backend.
async fn hear(core: Arc<Core>, mut upstream: Arc<Upstream>, ear: Arc<Ear>) {
    let mut gap = false;
    loop {
        let hearing = async {
            let gap = Listening::new(Arc::clone(&core), Arc::clone(&upstream), Arc::clone(&ear), gap)
                .run()
                .await;
            Subscribing::new(Arc::clone(&core), Arc::clone(&upstream), Arc::clone(&ear), gap)
                .run()
                .await
        };
        let heard = tokio::select! {
            biased;
            () = upstream.retired() => None,
            gap = hearing => Some(gap),
        };
        gap = heard.unwrap_or(true);
        if heard.is_none() {
            ear.legacy.store(false, Ordering::Release);
            match core.inventory().named(upstream.name()) {
                Some(next) => upstream = next,
                None => {
                    core.updates.forget(upstream.name(), &ear);
                    // It may have come back while this ear was still there to be found.
                    if let Some(next) = core.inventory().named(upstream.name()) {
                        Updates::resume(&core, &next);
                    }
                    return;
                }
            }
        }
    }
}
