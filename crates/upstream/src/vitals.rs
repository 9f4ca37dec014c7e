//! How a backend fares: what questions and calls tell of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use argus_config::Health;
use tokio::sync::Notify;

use crate::breaker::{Breaker, Turned};
use crate::state::{Phase, State};
use crate::{BreakerState, Life, LinkError, Upstream};

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
    /// The time of the last check, in milliseconds since 1970; 0 before the first.
    checked: AtomicU64,
    /// Microseconds, and one more; 0 before the first answer.
    latency: AtomicU64,
    pub(crate) breaker: Breaker,
    /// A call failed: it should be asked whether the backend is there.
    pub(crate) doubt: Notify,
    /// The breaker opened, and no question follows that would find out more.
    pub(crate) hopeless: Notify,
    /// The next answer shows that it is well: it was busy, or did not answer.
    ailing: AtomicBool,
}

/// What shows that a degraded backend is well again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WellWith {
    /// Any answer.
    Answer,
    /// The answer to a question: calls take as long as their work.
    Question,
}

impl Signs {
    pub(crate) fn new(health: &Health) -> Self {
        Self {
            checked: AtomicU64::new(0),
            latency: AtomicU64::new(0),
            breaker: Breaker::new(health.failures, health.cooldown),
            doubt: Notify::new(),
            hopeless: Notify::new(),
            ailing: AtomicBool::new(false),
        }
    }

    /// It was checked, and answered after so long, if it did.
    fn note(&self, took: Option<Duration>) {
        let whole = |count: u128| u64::try_from(count).unwrap_or(u64::MAX);
        // The clock may be set meanwhile, and a machine may sleep: only the time of day itself is right.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.checked.store(whole(now.as_millis()), Ordering::Relaxed);
        if let Some(took) = took {
            self.latency
                .store(whole(took.as_micros()).saturating_add(1), Ordering::Relaxed);
        }
    }

    fn read(&self) -> Vitals {
        let checked = Some(self.checked.load(Ordering::Relaxed)).filter(|at| *at > 0);
        let latency = self.latency.load(Ordering::Relaxed).checked_sub(1);
        Vitals {
            last_check: checked.and_then(|at| UNIX_EPOCH.checked_add(Duration::from_millis(at))),
            latency: latency.map(Duration::from_micros),
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
        let failed = self.signs.breaker.answered(|turned| self.turned(turned));
        let ailed = self.signs.ailing.load(Ordering::Relaxed) && self.signs.ailing.swap(false, Ordering::AcqRel);
        if failed || ailed {
            self.recover();
        }
    }

    /// It answered a call with an error. A sick server, or a proxy in front of it, may do that with every call: where
    /// something failed before, a question decides.
    pub(crate) fn refused(&self, took: Option<Duration>) {
        if self.signs.breaker.failures() == 0 || !self.definition().health.enabled {
            return self.answered(took);
        }
        self.signs.note(took);
        self.signs.doubt.notify_one();
    }

    /// Something came in place of an answer to a call. That may be the call's fault: a question decides.
    pub(crate) fn puzzled(&self) {
        self.signs.note(None);
        self.signs.doubt.notify_one();
    }

    /// A call of it failed. Where it is asked questions, one follows at once and decides: the call may have been slow, and
    /// the backend well. Elsewhere its connections are given up once calls are refused.
    pub(crate) fn failed(&self, cause: &LinkError) {
        if !self.definition().health.enabled {
            if self.missed(cause) {
                self.signs.hopeless.notify_one();
            }
            return;
        }
        self.signs.note(None);
        self.signs.breaker.doubted(&self.connector.cleaned(cause.clone()));
        self.signs.doubt.notify_one();
    }

    /// It did not answer a question, could not be connected to, or failed a call where no questions are asked. `true` when
    /// calls are refused from now on.
    pub(crate) fn missed(&self, cause: &LinkError) -> bool {
        self.signs.note(None);
        let cause = self.connector.cleaned(cause.clone());
        let opened = self.signs.breaker.failed(&cause, |turned| self.turned(turned));
        if opened {
            self.tally.opened();
            let cause = cause.to_string();
            tracing::warn!(backend = %self.name(), %cause, "backend is not called for a while");
            self.degrade(&cause, WellWith::Answer);
        }
        opened
    }

    /// It has other connections from now on: what failed on these is no reason any more not to call it.
    pub(crate) fn excuse(&self) {
        self.signs.breaker.answered(|turned| self.turned(turned));
    }

    fn turned(&self, turned: Turned<'_>) {
        match turned {
            Turned::Opened {
                failures,
                cause,
                retry_in,
            } => self.tell(Life::BreakerOpened {
                cause: &cause.to_string(),
                failures,
                retry_in,
            }),
            Turned::Closed { after } => self.tell(Life::BreakerClosed { after }),
        }
    }

    /// It is connected, but something is wrong.
    pub(crate) fn degrade(&self, why: &str, well: WellWith) {
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
        self.signs.ailing.store(well == WellWith::Answer, Ordering::Release);
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
                // Told here, so that what is told last is so.
                self.tell(match &next.error {
                    Some(cause) => Life::Degraded { cause },
                    None => Life::Recovered {
                        after: state.since.elapsed().ok(),
                    },
                });
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
        signs.note(None);
        let second = signs.read();
        assert_eq!(second.latency, Some(Duration::from_micros(1500)));
        assert!(second.last_check >= first.last_check);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_of_a_check_is_that_of_the_clock() {
        let signs = Signs::new(&Health::default());
        // What other clocks count in the meantime does not matter: they stop when the machine sleeps.
        tokio::time::advance(Duration::from_secs(3600)).await;
        signs.note(None);
        let checked = signs.read().last_check.unwrap();
        let off = SystemTime::now().duration_since(checked).unwrap();
        assert!(off < Duration::from_secs(60), "{off:?}");
    }
}
