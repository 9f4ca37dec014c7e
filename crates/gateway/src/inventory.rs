//! All backends, in the order of the configuration.

use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use argus_config::{Backend as Definition, BackendEntry, BackendKind, Config, Diff};
use argus_upstream::{Context, FeedSink, Handover, Phase, Record, Remains, State, Upstream};

use crate::condition::{Condition, ConditionKind, Standing};
use crate::disabled::Disabled;

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
    link: Link,
    conditions: ArcSwap<Vec<Standing>>,
}

/// What stands behind a backend.
#[derive(Debug, Clone)]
enum Link {
    Up(Arc<Upstream>),
    /// Its definition cannot be used.
    Unusable {
        since: SystemTime,
        why: String,
        /// Of what it was before.
        remains: Remains,
    },
    /// It is not to run.
    Disabled {
        since: SystemTime,
        /// Of what it was before.
        remains: Remains,
    },
}

/// Why a backend has failed, where that is not for its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// Its definition cannot be used.
    NotConfigured,
    /// The catalogue leaves it out; there may be a connection.
    NameCollision,
}

impl Backend {
    fn of(entry: &BackendEntry, link: Link) -> Self {
        Self {
            name: entry.name.clone(),
            group: entry.group.clone(),
            kind: entry.kind,
            labels: entry.labels.clone().into_iter().collect(),
            link,
            conditions: ArcSwap::default(),
        }
    }

    /// The same backend with other settings; its upstream has to be told.
    fn with_settings(&self, entry: &BackendEntry) -> Self {
        let next = Self::of(entry, self.link.clone());
        next.conditions.store(self.conditions());
        next
    }

    /// The connection side; `None` for a backend whose definition cannot be used, or which is disabled.
    #[must_use]
    pub fn upstream(&self) -> Option<&Arc<Upstream>> {
        match &self.link {
            Link::Up(upstream) => Some(upstream),
            Link::Unusable { .. } | Link::Disabled { .. } => None,
        }
    }

    /// Whether an operator switched it off.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        matches!(self.link, Link::Disabled { .. })
    }

    /// What it did since the gateway started.
    #[must_use]
    pub fn record(&self) -> &Arc<Record> {
        match &self.link {
            Link::Up(upstream) => upstream.record(),
            Link::Disabled { remains, .. } | Link::Unusable { remains, .. } => remains.record(),
        }
    }

    /// What the one that comes after it begins with.
    fn remains(&self) -> Remains {
        match &self.link {
            Link::Up(upstream) => upstream.remains(),
            Link::Disabled { remains, .. } | Link::Unusable { remains, .. } => remains.clone(),
        }
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
        self.hindered().0
    }

    /// The same, and what the reason is where that is not its connection.
    #[must_use]
    pub fn hindered(&self) -> (Arc<State>, Option<Hindrance>) {
        match &self.link {
            Link::Up(upstream) => self.unless_left_out(upstream.state()),
            Link::Unusable { since, why, .. } => {
                let state = State {
                    phase: Phase::Failed,
                    since: *since,
                    error: Some(why.clone()),
                    tried: true,
                    ..State::pending()
                };
                (Arc::new(state), Some(Hindrance::NotConfigured))
            }
            Link::Disabled { since, .. } => {
                let state = State {
                    since: *since,
                    ..State::pending()
                };
                (Arc::new(state), None)
            }
        }
    }

    fn unless_left_out(&self, state: Arc<State>) -> (Arc<State>, Option<Hindrance>) {
        let conditions = self.conditions.load();
        let mut standing = conditions.iter();
        let collision = standing.find(|standing| standing.condition.kind == ConditionKind::NameCollision);
        match collision {
            Some(collision) if state.phase != Phase::Failed => {
                let state = State {
                    phase: Phase::Failed,
                    since: collision.since,
                    error: Some(collision.condition.message.clone()),
                    ..State::clone(&state)
                };
                (Arc::new(state), Some(Hindrance::NameCollision))
            }
            _ => (state, None),
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
    backends: Vec<Arc<Backend>>,
}

/// The inventory that comes after another one.
pub(crate) struct Next {
    pub(crate) inventory: Inventory,
    /// Those that go on with other settings.
    pub(crate) redefined: Vec<(Arc<Upstream>, Arc<Definition>)>,
    /// Those that were started for it.
    pub(crate) started: Vec<Arc<Upstream>>,
    /// Those that are not in it any more.
    pub(crate) left: Vec<Arc<Upstream>>,
}

impl Inventory {
    /// Starts to connect to every backend, all at once.
    pub(crate) fn start(config: &Config, starter: &Starter<'_>) -> Self {
        starter.keep_only(config);
        let start = |entry| Arc::new(Backend::of(entry, starter.start(entry, None)));
        Self {
            backends: config.backends.iter().map(start).collect(),
        }
    }

    /// The inventory of another configuration, which differs from that of this one by `diff`. Backends that are reached
    /// in the same way keep their connections, and their settings until they are told.
    pub(crate) fn next(&self, config: &Config, diff: &Diff, starter: &Starter<'_>) -> Next {
        starter.keep_only(config);
        let (mut started, mut redefined) = (Vec::new(), Vec::new());
        let one = |entry: &BackendEntry| {
            let before = self.backends.iter().find(|backend| backend.name == entry.name);
            let changed = diff.changed.iter().find(|changed| changed.name == entry.name);
            match (before, changed) {
                (Some(before), None) => Arc::clone(before),
                (Some(before), Some(changed)) if !changed.reconnect => {
                    if let (Some(upstream), Ok(definition)) = (before.upstream(), &entry.definition) {
                        redefined.push((Arc::clone(upstream), Arc::clone(definition)));
                    }
                    Arc::new(before.with_settings(entry))
                }
                (before, _) => {
                    let before = before.map(|before| &**before);
                    let backend = Backend::of(entry, starter.start(entry, before));
                    started.extend(backend.upstream().cloned());
                    Arc::new(backend)
                }
            }
        };
        let backends: Vec<_> = config.backends.iter().map(one).collect();
        let inventory = Self { backends };
        let stays = |upstream: &&Arc<Upstream>| inventory.upstreams().any(|other| Arc::ptr_eq(other, upstream));
        let left = self.upstreams().filter(|upstream| !stays(upstream)).cloned().collect();
        Next {
            inventory,
            redefined,
            started,
            left,
        }
    }

    /// The backends, in the order of the configuration.
    pub fn iter(&self) -> impl Iterator<Item = &Backend> {
        self.backends.iter().map(|backend| &**backend)
    }

    /// The backend of a name.
    #[must_use]
    pub fn backend(&self, name: &str) -> Option<Arc<Backend>> {
        self.backends.iter().find(|backend| backend.name == name).cloned()
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
        self.iter().filter_map(Backend::upstream)
    }

    /// The backend of a name, if it can be connected to.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Upstream>> {
        self.upstreams().find(|upstream| **upstream.name() == *name).cloned()
    }

    /// The only backend, if there is exactly one.
    pub(crate) fn only(&self) -> Option<Arc<Upstream>> {
        match self.backends.as_slice() {
            [only] => only.upstream().cloned(),
            _ => None,
        }
    }
}

/// Starts to connect to backends.
pub(crate) struct Starter<'a> {
    pub(crate) context: &'a Arc<Context>,
    /// Those that are not to run.
    pub(crate) disabled: &'a Disabled,
    /// Where what a backend says goes.
    pub(crate) sink: &'a dyn Fn(&str) -> Arc<dyn FeedSink>,
    /// How those are replaced whose definition stays as it is; `None`: there are none.
    pub(crate) renewing: Option<Handover>,
    /// Whether this is the gateway that the data folder belongs to: what else is kept there goes.
    pub(crate) sole: bool,
}

impl Starter<'_> {
    /// Forgets what is kept of backends that are configured no more, or otherwise.
    fn keep_only(&self, config: &Config) {
        let logs = &self.context.logs;
        logs.keep_only(|name| config.backends.iter().any(|entry| entry.name == name));
        for entry in &config.backends {
            let _ = logs.of(&entry.name.as_str().into());
        }
        if !self.sole {
            return;
        }
        let definitions = config
            .backends
            .iter()
            .filter_map(|entry| entry.definition.as_ref().ok());
        let digests = definitions.map(|backend| backend.digest()).collect();
        self.context.remembered.keep_only(&digests);
        self.context.verdicts.keep_only(&digests);
    }

    /// Starts to connect to a backend, in the place of the one `before` if there was one.
    fn start(&self, entry: &BackendEntry, before: Option<&Backend>) -> Link {
        let remains = before.map(Backend::remains).unwrap_or_default();
        if self.disabled.has(&entry.name) {
            if let Some(Link::Disabled { since, .. }) = before.map(|before| &before.link) {
                let since = *since;
                return Link::Disabled { since, remains };
            }
            tracing::info!(backend = %entry.name, "backend is disabled");
            return Link::Disabled {
                since: SystemTime::now(),
                remains,
            };
        }
        let definition = match &entry.definition {
            Ok(definition) => Arc::clone(definition),
            Err(unset) => {
                tracing::error!(backend = %entry.name, error = %unset, "backend cannot be started");
                return Link::Unusable {
                    since: SystemTime::now(),
                    why: unset.to_string(),
                    remains,
                };
            }
        };
        let (context, sink) = (Arc::clone(self.context), (self.sink)(&entry.name));
        Link::Up(match (before.and_then(Backend::upstream), self.renewing) {
            (Some(before), Some(handover)) => Upstream::renew(before, handover, sink),
            (Some(before), None) => Upstream::succeed(before, definition, context, sink),
            (None, _) => Upstream::resume(&remains, definition, context, sink),
        })
    }
}
