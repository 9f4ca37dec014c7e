//! What operators have done to one backend.
//!
//! New connections are made as with another configuration ([`Core::take_effect`]): another upstream takes the place of
//! the one there is, which lets its calls finish.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use argus_config::{Changed, Diff};
use argus_protocol::shown;
use argus_upstream::{Handover, Upstream};
use tokio::time::Instant;

use crate::core::Core;
use crate::events::{News, Stage};

/// What can be done to a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// New connections, while calls finish on the old ones.
    Reconnect,
    /// The same, but its processes are started when the old ones are gone.
    Restart,
    /// It is to run.
    Enable,
    /// It is not to run, until it is enabled.
    Disable,
}

/// Why something was not done to a backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SteerError {
    /// None has this name.
    #[error("no backend is called `{}`", shown(.0))]
    Unknown(String),
    /// It is not to run.
    #[error("the backend `{}` is disabled; enable it first", shown(.0))]
    Disabled(String),
    /// It was done, but the backend is not there; why.
    #[error("{0}")]
    Failed(String),
}

impl Action {
    /// The name in events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reconnect => "reconnect",
            Self::Restart => "restart",
            Self::Enable => "enable",
            Self::Disable => "disable",
        }
    }

    fn news(self, name: &str) -> News {
        let what = match self {
            Self::Reconnect => "gets new connections",
            Self::Restart => "is restarted",
            Self::Enable => "is enabled",
            Self::Disable => "is disabled",
        };
        let message = format!("Backend '{name}' {what}, as an operator asked");
        News::info(Stage::BackendAction, message)
            .of(&name.into())
            .with("action", self.as_str())
            .with("by", "operator")
    }
}

/// Does something to a backend, and waits until it is so, at most for `server.management.reconnect_timeout`.
pub(crate) async fn steer(core: &Arc<Core>, name: &str, action: Action) -> Result<(), SteerError> {
    let began = Instant::now();
    let limit = core.catalogues.config().server.management.reconnect_timeout;
    let doing = {
        let (core, name) = (Arc::clone(core), name.to_owned());
        // Files are written.
        tokio::task::spawn_blocking(move || core.begin(&name, action))
    };
    doing.await.unwrap_or_else(|_| Err(stopping()))?;
    if action == Action::Disable {
        return Ok(());
    }
    let is_up = up(core, name, began, limit).await;
    // Whoever asks for the lists next finds what there is now.
    core.rebuild();
    is_up
}

impl Core {
    /// Begins an action.
    fn begin(&self, name: &str, action: Action) -> Result<(), SteerError> {
        let _one_at_a_time = self.applying.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stopping.is_cancelled() {
            return Err(stopping());
        }
        let backend = self.inventory().backend(name);
        let backend = backend.ok_or_else(|| SteerError::Unknown(name.to_owned()))?;
        let renewing = match (action, backend.is_disabled()) {
            (Action::Reconnect | Action::Restart, true) => return Err(SteerError::Disabled(name.to_owned())),
            (Action::Enable, false) | (Action::Disable, true) => return Ok(()),
            (Action::Restart, false) => Handover::InTurn,
            (Action::Reconnect | Action::Disable, false) | (Action::Enable, true) => Handover::AtOnce,
        };
        if matches!(action, Action::Enable | Action::Disable) {
            self.disabled.set(name, action == Action::Disable);
        }
        tracing::info!(backend = name, action = action.as_str(), "an operator steers a backend");
        self.events.publish(action.news(name));
        let diff = Diff {
            changed: vec![Changed {
                name: name.to_owned(),
                reconnect: true,
            }],
            ..Diff::default()
        };
        self.take_effect(self.catalogues.config(), &diff, Some(renewing));
        Ok(())
    }
}

/// Waits until the backend of a name is connected, or its first attempt to be has failed; whichever upstream has the
/// name meanwhile.
async fn up(core: &Core, name: &str, began: Instant, limit: Duration) -> Result<(), SteerError> {
    loop {
        let Some(backend) = core.inventory().backend(name) else {
            return Err(SteerError::Failed("it was removed meanwhile".to_owned()));
        };
        let Some(upstream) = backend.upstream() else {
            let disabled = || "it was disabled meanwhile".to_owned();
            let why = backend.state().error.clone().unwrap_or_else(disabled);
            return Err(SteerError::Failed(why));
        };
        tokio::select! {
            is_up = first_attempt(upstream) => return is_up,
            () = upstream.retired() => {}
            () = core.stopping.cancelled() => return Err(stopping()),
            () = tokio::time::sleep_until(began + limit) => return Err(late(upstream, limit)),
        }
    }
}

/// The outcome of an upstream's first attempt, or how it fares now.
async fn first_attempt(upstream: &Upstream) -> Result<(), SteerError> {
    let mut states = upstream.watch();
    let told = states
        .wait_for(|state| state.phase.is_connected() || state.tried && state.error.is_some())
        .await;
    match told {
        Ok(state) if state.phase.is_connected() => Ok(()),
        Ok(state) => Err(SteerError::Failed(state.error.clone().unwrap_or_default())),
        Err(_) => Err(stopping()),
    }
}

fn late(upstream: &Upstream, after: Duration) -> SteerError {
    let why = upstream.state().error.clone();
    let why = why.map_or_else(String::new, |why| format!("; the last error: {why}"));
    SteerError::Failed(format!(
        "it is not ready within {} s (server.management.reconnect_timeout){why}",
        after.as_secs_f64()
    ))
}

fn stopping() -> SteerError {
    SteerError::Failed("the gateway is stopping".to_owned())
}
