//! All backends, in the order of the configuration.

use std::sync::Arc;

use argus_config::{BackendEntry, Config};
use argus_upstream::{Context, FeedSink, Phase, State, Upstream};

/// One backend of the inventory.
#[derive(Debug)]
pub struct Backend {
    /// Its name in the configuration.
    pub name: String,
    /// Its group.
    pub group: String,
    link: Result<Arc<Upstream>, String>,
}

impl Backend {
    /// The connection side; `None` for a backend whose definition cannot be used.
    #[must_use]
    pub fn upstream(&self) -> Option<&Arc<Upstream>> {
        self.link.as_ref().ok()
    }

    /// The backend as it is now. One whose definition cannot be used has failed, with the reason.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        match &self.link {
            Ok(upstream) => upstream.state(),
            Err(reason) => Arc::new(State {
                phase: Phase::Failed,
                error: Some(reason.clone()),
                tried: true,
                ..State::pending()
            }),
        }
    }
}

/// All backends.
#[derive(Debug)]
pub struct Inventory {
    backends: Vec<Backend>,
}

impl Inventory {
    /// Starts to connect to every backend, all at once.
    pub(crate) fn start(config: &Config, context: &Arc<Context>, sink: &dyn Fn(&str) -> Arc<dyn FeedSink>) -> Self {
        Self {
            backends: config
                .backends
                .iter()
                .map(|entry| start_one(entry, context, sink))
                .collect(),
        }
    }

    /// The backends, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Backend> {
        self.backends.iter()
    }

    /// The backends that can be connected to, in order.
    pub(crate) fn upstreams(&self) -> impl Iterator<Item = &Arc<Upstream>> {
        self.backends.iter().filter_map(Backend::upstream)
    }

    /// The backend of a name, if it can be connected to.
    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Upstream>> {
        self.upstreams().find(|upstream| **upstream.name() == *name)
    }

    /// The only backend, if there is exactly one.
    pub(crate) fn only(&self) -> Option<&Arc<Upstream>> {
        match self.backends.as_slice() {
            [only] => only.upstream(),
            _ => None,
        }
    }
}

fn start_one(entry: &BackendEntry, context: &Arc<Context>, sink: &dyn Fn(&str) -> Arc<dyn FeedSink>) -> Backend {
    let link = match &entry.definition {
        Ok(definition) => Ok(Upstream::start(
            Arc::clone(definition),
            Arc::clone(context),
            sink(&entry.name),
        )),
        Err(unset) => {
            tracing::error!(backend = %entry.name, error = %unset, "backend cannot be started");
            Err(unset.to_string())
        }
    };
    Backend {
        name: entry.name.clone(),
        group: entry.group.clone(),
        link,
    }
}
