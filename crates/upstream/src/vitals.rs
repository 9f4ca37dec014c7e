//! How a backend fares: what questions and calls tell of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use argus_config::Health;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::breaker::Breaker;
use crate::state::{Phase, State};
use crate::{BreakerState, LinkError, Upstream};

/// How a backend fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vitals {
    /// When it was last asked or called, with whatever result.
    pub last_check: Option<SystemTime>,
    /// How long its last answer took.
    pub latency: Option<Duration>,
    /// Failures in a row.
    pub failures: u32,
    /// What becomes of calls to it.
    pub breaker: BreakerState,
    /// Since when calls are refused.
    pub opened: Option<SystemTime>,
}

/// What is measured of a backend. Writing it down takes no lock.
#[derive(Debug)]
pub(crate) struct Signs {
    began: Instant,
    began_at: SystemTime,
    /// Milliseconds from the beginning to the last check, and one more; 0 before the first.
    checked: AtomicU64,
    /// Microseconds, and one more; 0 before the first answer.
    latency: AtomicU64,
    pub(crate) breaker: Breaker,
    /// A call failed: it should be asked whether the backend is there.
    pub(crate) doubt: Notify,
}

impl Signs {
    pub(crate) fn new(health: &Health) -> Self {
        Self {
            began: Instant::now(),
            began_at: SystemTime::now(),
            checked: AtomicU64::new(0),
            latency: AtomicU64::new(0),
            breaker: Breaker::new(health.failures, health.cooldown),
            doubt: Notify::new(),
        }
    }

    /// It was checked, and answered after so long, if it did.
    fn note(&self, took: Option<Duration>) {
        let whole = |count: u128| u64::try_from(count).unwrap_or(u64::MAX).saturating_add(1);
        self.checked
            .store(whole(self.began.elapsed().as_millis()), Ordering::Relaxed);
        if let Some(took) = took {
            self.latency.store(whole(took.as_micros()), Ordering::Relaxed);
        }
    }

    fn read(&self) -> Vitals {
        let written = |number: &AtomicU64| number.load(Ordering::Relaxed).checked_sub(1);
        Vitals {
            last_check: written(&self.checked).map(|after| self.began_at + Duration::from_millis(after)),
            latency: written(&self.latency).map(Duration::from_micros),
            failures: self.breaker.failures(),
            breaker: self.breaker.state(),
            opened: self.breaker.opened(),
        }
    }
}

impl Upstream {
    /// How it fares.
    #[must_use]
    pub fn vitals(&self) -> Vitals {
        self.signs.read()
    }

    /// It answered a call or a question, whatever it said.
    pub(crate) fn answered(&self, took: Option<Duration>) {
        self.signs.note(took);
        if self.signs.breaker.answered() {
            self.recover();
        }
    }

    /// A call of it failed. Where it is asked questions, one follows at once and decides: the call may have been slow, and
    /// the backend well.
    pub(crate) fn failed(&self, cause: &LinkError) {
        if !self.definition().health.enabled {
            return self.missed(cause);
        }
        self.signs.note(None);
        self.signs.breaker.doubted(cause);
        self.signs.doubt.notify_one();
    }

    /// It did not answer a question, could not be connected to, or failed a call where no questions are asked.
    pub(crate) fn missed(&self, cause: &LinkError) {
        self.signs.note(None);
        if self.signs.breaker.failed(cause) {
            let cause = self.connector.told(cause);
            tracing::warn!(backend = %self.name(), %cause, "backend is not called for a while");
            self.degrade(&cause);
        }
    }

    /// It is connected, but something is wrong.
    pub(crate) fn degrade(&self, why: &str) {
        self.change_if(|state| {
            let news = match state.phase {
                Phase::Ready => true,
                Phase::Degraded => state.error.as_deref() != Some(why),
                _ => false,
            };
            if news {
                (state.phase, state.error) = (Phase::Degraded, Some(why.to_owned()));
            }
            news
        });
    }

    /// Nothing is wrong with it any more, if it is connected.
    pub(crate) fn recover(&self) {
        self.change_if(|state| {
            let news = state.phase == Phase::Degraded;
            if news {
                (state.phase, state.error) = (Phase::Ready, None);
            }
            news
        });
    }

    fn change_if(&self, change: impl FnOnce(&mut State) -> bool) {
        self.state.send_if_modified(|state| {
            let mut next = State::clone(state);
            if !change(&mut next) {
                return false;
            }
            if next.phase != state.phase {
                next.since = SystemTime::now();
                tracing::info!(backend = %self.name(), phase = ?next.phase, error = next.error, "backend fares differently");
            }
            *state = next.into();
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_check_without_an_answer_leaves_the_last_latency() {
        let signs = Signs::new(&Health::default());
        assert_eq!((signs.read().last_check, signs.read().latency), (None, None));
        signs.note(Some(Duration::from_micros(1500)));
        let first = signs.read();
        tokio::time::advance(Duration::from_secs(2)).await;
        signs.note(None);
        let second = signs.read();
        assert_eq!(second.latency, Some(Duration::from_micros(1500)));
        let between = second.last_check.unwrap().duration_since(first.last_check.unwrap());
        assert_eq!(between.unwrap(), Duration::from_secs(2));
    }
}
