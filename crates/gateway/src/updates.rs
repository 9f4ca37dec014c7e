//! Listening at modern backends for updates of resources: one stream per backend, for all who want to hear of them.

mod listening;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argus_protocol::{ByteString, Era, RpcError, code, method};
use argus_upstream::{LinkError, Upstream};
use tokio::sync::watch;

use crate::core::Core;
use crate::wanted::{Want, WantedUris};
use listening::Listening;

/// How long a backend may take to be reached and to acknowledge.
const ACKNOWLEDGE: Duration = Duration::from_secs(5);
/// How long one who wants a URI waits: for the stream that is being opened, and for the one with this URI.
const PATIENCE: Duration = Duration::from_secs(12);

/// The backends that are listened to.
#[derive(Debug, Default)]
pub(crate) struct Updates(Mutex<HashMap<Arc<str>, Arc<Ear>>>);

/// What is wanted of one backend, and what it grants.
#[derive(Debug)]
struct Ear {
    wanted: Arc<WantedUris>,
    heard: watch::Sender<Heard>,
}

/// What the backend said to a version of the wanted set.
#[derive(Debug, Clone, Default)]
struct Heard {
    version: u64,
    granted: Arc<HashSet<ByteString>>,
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
        let ear = core.updates.ear(core, upstream);
        let version = ear.wanted.version();
        let mut heard = ear.heard.subscribe();
        let settled = heard.wait_for(|heard| heard.version >= version);
        let failure = match tokio::time::timeout(PATIENCE, settled).await {
            Ok(Ok(heard)) if heard.granted.contains(uri) => return Ok(()),
            Ok(Ok(heard)) => heard.failure.clone(),
            Ok(Err(_)) | Err(_) => Some(LinkError::Timeout {
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

    /// The ear at a backend; it begins to listen when there is something to listen for.
    fn ear(&self, core: &Core, upstream: &Arc<Upstream>) -> Arc<Ear> {
        let mut ears = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ear) = ears.get(upstream.name()) {
            return Arc::clone(ear);
        }
        let ear = Arc::new(Ear {
            wanted: core.wanted.at(upstream.name(), Era::Modern),
            heard: watch::Sender::default(),
        });
        ears.insert(Arc::clone(upstream.name()), Arc::clone(&ear));
        drop(ears);
        if let Some(me) = core.me.upgrade() {
            core.spawn(Listening::new(me, Arc::clone(upstream), Arc::clone(&ear)).run());
        }
        ear
    }
}
