//! Reading the configuration again while the gateway runs: the one way in which all who ask for it do it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use argus_api::Reloaded;
use argus_config::{Diff, Loaded, Settings};
use argus_gateway::Gateway;
use argus_gateway::events::{Events, News, Stage};
use tokio::task::JoinError;

/// Reads and checks the configuration; gives everything that is wrong. It may take its time.
pub type Load = dyn Fn() -> Result<Loaded, Vec<String>> + Send + Sync;

/// `feature_flags.hot_reload` is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("feature_flags.hot_reload is false: restart the gateway for its configuration to be read again")]
pub struct Disabled;

/// Reloads the configuration of a gateway. Clones are the same.
#[derive(Clone)]
pub struct Reloader(Arc<Inner>);

struct Inner {
    gateway: Gateway,
    load: Box<Load>,
    /// Held while the configuration is read: there is one reload at a time.
    reloading: Mutex<()>,
    /// The configuration that holds now, for whoever does not want to wait.
    in_effect: Mutex<Arc<InEffect>>,
    applied: AtomicU64,
    refused: AtomicU64,
}

/// The configuration that holds now, for people.
#[derive(Debug)]
pub(crate) struct InEffect {
    /// When it was read.
    pub(crate) since: SystemTime,
    /// Every key, with where its value comes from.
    pub(crate) settings: Settings,
    /// The keys that are different in the file, and take effect at the next start only.
    pub(crate) needs_restart: Vec<&'static str>,
}

impl InEffect {
    /// What a gateway is started with.
    pub(crate) fn at_start(settings: Settings) -> Self {
        Self {
            since: SystemTime::now(),
            settings,
            needs_restart: Vec::new(),
        }
    }
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader").finish_non_exhaustive()
    }
}

impl Reloader {
    /// Reloads with what `load` gives; `settings` are those that the gateway was started with.
    #[must_use]
    pub fn new(gateway: Gateway, settings: Settings, load: Box<Load>) -> Self {
        Self(Arc::new(Inner {
            gateway,
            load,
            reloading: Mutex::default(),
            in_effect: Mutex::new(Arc::new(InEffect::at_start(settings))),
            applied: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }))
    }

    /// Reads the configuration and makes it take effect, or changes nothing and says all that is wrong with it. One who
    /// comes meanwhile waits.
    ///
    /// # Errors
    /// When it is switched off.
    pub async fn reload(&self) -> Result<Reloaded, Disabled> {
        let inner = Arc::clone(&self.0);
        let reloading = tokio::task::spawn_blocking(move || inner.reload());
        reloading
            .await
            .unwrap_or_else(|error| Ok(refused(vec![unfinished(&error).to_owned()])))
    }

    /// Whether it is switched on.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.0.gateway.config().feature_flags.hot_reload
    }

    /// How many reloads took effect, and how many were refused because of errors.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.0.applied), read(&self.0.refused))
    }

    /// The configuration that holds now.
    pub(crate) fn in_effect(&self) -> Arc<InEffect> {
        Arc::clone(&self.0.in_effect())
    }
}

/// Why something that ran beside has no outcome.
pub(crate) fn unfinished(error: &JoinError) -> &'static str {
    match error.is_panic() {
        true => "it failed unexpectedly; standard error of the gateway says where",
        false => "the gateway is stopping",
    }
}

impl Inner {
    fn in_effect(&self) -> MutexGuard<'_, Arc<InEffect>> {
        self.in_effect.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reload(&self) -> Result<Reloaded, Disabled> {
        let _one_at_a_time = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.gateway.config().feature_flags.hot_reload {
            return Err(Disabled);
        }
        let now = SystemTime::now();
        let Loaded { config, settings, .. } = match (self.load)() {
            Ok(loaded) => loaded,
            Err(errors) => {
                for error in &errors {
                    tracing::error!("{error}");
                }
                tracing::error!("the configuration is not reloaded; the gateway goes on as before");
                tell_refused(self.gateway.events(), &errors);
                self.refused.fetch_add(1, Ordering::Relaxed);
                return Ok(refused(errors));
            }
        };
        let Some(diff) = self.gateway.apply(config) else {
            return Ok(refused(vec!["the gateway is stopping".to_owned()]));
        };
        self.applied.fetch_add(1, Ordering::Relaxed);
        self.now_holds(now, settings, &diff);
        let told = told(diff.clone());
        tell_applied(self.gateway.events(), &diff);
        Ok(told)
    }
}

impl Inner {
    fn now_holds(&self, since: SystemTime, mut settings: Settings, diff: &Diff) {
        let mut in_effect = self.in_effect();
        settings.keep(&in_effect.settings, &diff.needs_restart);
        *in_effect = Arc::new(InEffect {
            since,
            settings,
            needs_restart: diff.needs_restart.clone(),
        });
    }
}

fn refused(errors: Vec<String>) -> Reloaded {
    Reloaded {
        errors,
        ..Reloaded::default()
    }
}

/// For operators: what became of it.
fn tell_applied(events: &Events, diff: &Diff) {
    let message = match diff.is_empty() {
        true => "The configuration was read again: nothing is different".to_owned(),
        false => format!(
            "The configuration was reloaded (backends: {} added, {} removed, {} changed)",
            diff.added.len(),
            diff.removed.len(),
            diff.changed.len()
        ),
    };
    let mut unnamed = 0;
    let mut named = |names: &mut dyn Iterator<Item = &String>| {
        let (names, more) = the_first(names);
        unnamed += more;
        names
    };
    let (added, removed) = (named(&mut diff.added.iter()), named(&mut diff.removed.iter()));
    let changed = named(&mut diff.changed.iter().map(|changed| &changed.name));
    let news = match diff.needs_restart.is_empty() {
        true => News::info(Stage::Reload, message),
        false => News::warning(Stage::Reload, format!("{message}; some keys need a restart")),
    };
    let news = news
        .with("applied", true)
        .with("added", added)
        .with("removed", removed)
        .with("changed", changed)
        .with("keys", diff.applied.clone())
        .with("needs_restart", diff.needs_restart.clone());
    events.publish(match unnamed {
        0 => news,
        unnamed => news.with("unnamed", unnamed),
    });
}

/// So many names of each list are in an event.
const MOST_NAMES: usize = 50;
/// So many bytes of them.
const MOST_BYTES: usize = 1000;

/// The first names within the bounds of an event, and how many more there are.
fn the_first(names: &mut dyn Iterator<Item = &String>) -> (Vec<String>, usize) {
    let (mut first, mut bytes, mut more) = (Vec::new(), 0, 0);
    for name in names {
        bytes += name.len();
        match first.len() < MOST_NAMES && bytes <= MOST_BYTES {
            true => first.push(name.clone()),
            false => more += 1,
        }
    }
    (first, more)
}

fn tell_refused(events: &Events, errors: &[String]) {
    let first = errors.first().map_or("it cannot be read", String::as_str);
    let count = errors.len();
    let message = format!("The configuration was not reloaded, and stays as it was (errors: {count}): {first}");
    let news = News::error(Stage::Reload, message).with("applied", false);
    events.publish(news.with("errors", count).with("first_error", first));
}

fn told(diff: Diff) -> Reloaded {
    let changed: Vec<String> = diff.changed.into_iter().map(|changed| changed.name).collect();
    tracing::info!(
        added = ?diff.added,
        removed = ?diff.removed,
        ?changed,
        keys = ?diff.applied,
        "the configuration was reloaded"
    );
    if !diff.needs_restart.is_empty() {
        tracing::warn!(keys = ?diff.needs_restart, "these keys take effect at the next start only");
    }
    Reloaded {
        reloaded: true,
        backends_added: diff.added,
        backends_removed: diff.removed,
        backends_changed: changed,
        needs_restart: diff.needs_restart.into_iter().map(str::to_owned).collect(),
        errors: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use argus_config::Changed;

    use super::*;

    #[test]
    fn a_large_reload_is_told_with_the_first_names_and_the_number_of_the_others() {
        let names = |letter: &str| -> Vec<String> { (0..300).map(|number| format!("{letter}{number}")).collect() };
        let changed = |name| Changed { name, reconnect: true };
        let diff = Diff {
            added: names("a"),
            removed: names("b"),
            changed: names(&"c".repeat(60)).into_iter().map(changed).collect(),
            applied: vec!["conflict_resolution"; 10],
            needs_restart: vec!["server.session_idle_timeout"; 30],
        };
        let events = Events::default();
        tell_applied(&events, &diff);
        let told = events.recent(1, |_| true);
        let news = &told[0].news;
        assert!(
            news.message.contains("300 added, 300 removed, 300 changed"),
            "{}",
            news.message
        );
        let count = |list: &str| news.details[list].as_array().unwrap().len();
        let (added, removed, changed) = (count("added"), count("removed"), count("changed"));
        assert_eq!((added, removed, changed > 5), (50, 50, true));
        assert_eq!(news.details["unnamed"], 900 - added - removed - changed);
        assert_eq!((&news.details["applied"], count("keys")), (&true.into(), 10));
    }

    #[test]
    fn a_small_one_is_told_whole() {
        let events = Events::default();
        let diff = Diff {
            added: vec!["x".repeat(500), "b".to_owned()],
            ..Diff::default()
        };
        tell_applied(&events, &diff);
        let details = &events.recent(1, |_| true)[0].news.details;
        assert_eq!(details["added"], serde_json::json!(diff.added));
        assert!(!details.contains_key("unnamed"));
    }
}
