//! All backends, in the order of the configuration.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use argus_config::{BackendEntry, BackendKind, Config};
use argus_upstream::{Context, FeedSink, Phase, State, Upstream};

use crate::condition::{Condition, ConditionKind, Standing};

/// One backend of the inventory.
#[derive(Debug)]
pub struct Backend {
    /// Its name in the configuration.
    pub name: String,
    /// Its group.
    pub group: String,
    /// How it is reached.
    pub kind: BackendKind,
    /// What the configuration says of it for people and programs.
    pub labels: Vec<(String, String)>,
    link: Result<Arc<Upstream>, String>,
    conditions: ArcSwap<Vec<Standing>>,
}

impl Backend {
    /// The connection side; `None` for a backend whose definition cannot be used.
    #[must_use]
    pub fn upstream(&self) -> Option<&Arc<Upstream>> {
        self.link.as_ref().ok()
    }

    /// What an operator should know of it beside its state.
    #[must_use]
    pub fn conditions(&self) -> Arc<Vec<Standing>> {
        self.conditions.load_full()
    }

    /// The backend as it is now. One whose definition cannot be used, or which the catalogue leaves out, has failed, with
    /// the reason.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        match &self.link {
            Ok(upstream) => self.unless_left_out(upstream.state()),
            Err(reason) => Arc::new(State {
                phase: Phase::Failed,
                error: Some(reason.clone()),
                tried: true,
                ..State::pending()
            }),
        }
    }

    fn unless_left_out(&self, state: Arc<State>) -> Arc<State> {
        let conditions = self.conditions.load();
        let standing = conditions.iter().map(|standing| &standing.condition);
        let collision = { standing }.find(|one| one.kind == ConditionKind::NameCollision);
        match collision {
            Some(collision) if state.phase != Phase::Failed => Arc::new(State {
                phase: Phase::Failed,
                error: Some(collision.message.clone()),
                ..State::clone(&state)
            }),
            _ => state,
        }
    }

    /// Keeps what is to be said of it now, and logs what is new.
    fn note(&self, conditions: &[Condition]) {
        let known = self.conditions.load();
        if known.iter().map(|standing| &standing.condition).eq(conditions) {
            return;
        }
        let over = |old: &&Standing| {
            conditions
                .iter()
                .all(|one| one.kind.over() != old.condition.kind.over())
        };
        for old in known.iter().filter(over) {
            tracing::info!(backend = %self.name, "{}", old.condition.kind.over());
        }
        let standing = conditions.iter().map(|condition| {
            let before = known.iter().find(|standing| standing.condition == *condition);
            before.cloned().unwrap_or_else(|| {
                tracing::warn!(backend = %self.name, condition = condition.kind.as_str(), "{}", condition.message);
                Standing {
                    condition: condition.clone(),
                    since: SystemTime::now(),
                }
            })
        });
        self.conditions.store(Arc::new(standing.collect()));
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
        let definitions = config
            .backends
            .iter()
            .filter_map(|entry| entry.definition.as_ref().ok());
        let digests = definitions.map(|backend| backend.digest()).collect();
        context.remembered.keep_only(&digests);
        context.verdicts.keep_only(&digests);
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

    /// Keeps what the catalogue says of the backends now.
    pub(crate) fn note<'c>(&self, conditions: impl Iterator<Item = (&'c Arc<str>, &'c [Condition])>) {
        for (name, conditions) in conditions {
            if let Some(backend) = self.backends.iter().find(|backend| *backend.name == **name) {
                backend.note(conditions);
            }
        }
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
        kind: entry.kind,
        labels: entry.labels.clone().into_iter().collect(),
        link,
        conditions: ArcSwap::default(),
    }
}
