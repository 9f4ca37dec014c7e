//! When a backend is no longer called: after some failures in a row, for a while, until one call or question succeeds.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::LinkError;

/// Counts what failed in a row. Letting a call through that nothing speaks against is one atomic look.
#[derive(Debug)]
pub(crate) struct Breaker {
    threshold: u32,
    cooldown: Duration,
    began: Instant,
    failures: AtomicU32,
    /// Until when nothing is let through, in milliseconds since it began; 0 while it is closed.
    until: AtomicU64,
    /// Until when the one that was let through to try keeps others from trying, on the same clock; 0: there is none.
    trying: AtomicU64,
    last: Mutex<Last>,
}

/// What is told of an open breaker.
#[derive(Debug, Default)]
struct Last {
    cause: String,
    /// When it opened.
    opened: Option<SystemTime>,
}

/// What a breaker does with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// It lets them through.
    Closed,
    /// It refuses them for so long.
    Open {
        /// The time until one is tried.
        retry_in: Duration,
    },
    /// It lets one through, to see whether it succeeds.
    HalfOpen,
}

/// Whether a call that is let through is the one that tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admitted {
    Freely,
    ToTry,
}

impl Breaker {
    pub(crate) fn new(threshold: u32, cooldown: Duration) -> Self {
        Self {
            threshold,
            cooldown,
            began: Instant::now(),
            failures: AtomicU32::new(0),
            until: AtomicU64::new(0),
            trying: AtomicU64::new(0),
            last: Mutex::default(),
        }
    }

    /// Lets a call through, or says why not.
    pub(crate) fn admit(&self) -> Result<Admitted, LinkError> {
        let until = self.until.load(Ordering::Acquire);
        if until == 0 {
            return Ok(Admitted::Freely);
        }
        let now = self.now();
        if now >= until && self.may_try(now) {
            return Ok(Admitted::ToTry);
        }
        Err(LinkError::Resting {
            failures: self.failures(),
            last: self.last().cause.clone(),
            // Who comes while another one tries learns more in a moment.
            retry_in: Duration::from_millis(until.saturating_sub(now)).max(Duration::from_secs(1)),
        })
    }

    /// Takes the one place of those that try; who had it for as long as calls are refused has come to nothing yet.
    fn may_try(&self, now: u64) -> bool {
        let trying = self.trying.load(Ordering::Acquire);
        if now < trying {
            return false;
        }
        let until = now.saturating_add(self.cooldown_ms()).max(1);
        let taken = self
            .trying
            .compare_exchange(trying, until, Ordering::AcqRel, Ordering::Acquire);
        taken.is_ok()
    }

    fn cooldown_ms(&self) -> u64 {
        u64::try_from(self.cooldown.as_millis()).unwrap_or(u64::MAX)
    }

    /// The call that was to try is over without a result.
    pub(crate) fn release(&self) {
        self.trying.store(0, Ordering::Release);
    }

    /// The backend answered. `true` when there were failures before.
    pub(crate) fn answered(&self) -> bool {
        if self.failures.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.failures.store(0, Ordering::Release);
        self.until.store(0, Ordering::Release);
        self.release();
        true
    }

    /// The backend failed. `true` when this made the breaker open.
    pub(crate) fn failed(&self, cause: &LinkError) -> bool {
        self.note(cause, true)
    }

    /// The backend may have failed, and will be asked: this counts, but does not open the breaker.
    pub(crate) fn doubted(&self, cause: &LinkError) {
        self.note(cause, false);
    }

    fn note(&self, cause: &LinkError, opens: bool) -> bool {
        self.last().cause = cause.for_callers();
        let failures = self.failures.fetch_add(1, Ordering::AcqRel) + 1;
        let stays_closed = !opens && self.until.load(Ordering::Acquire) == 0;
        if failures < self.threshold || stays_closed {
            return false;
        }
        let until = self.now().saturating_add(self.cooldown_ms()).max(1);
        let opened = self.until.swap(until, Ordering::AcqRel) == 0;
        self.release();
        if opened {
            self.last().opened = Some(SystemTime::now());
        }
        opened
    }

    /// Since when it is open.
    pub(crate) fn opened(&self) -> Option<SystemTime> {
        self.last().opened.filter(|_| self.state() != BreakerState::Closed)
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many failures there were in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures.load(Ordering::Acquire)
    }

    pub(crate) fn state(&self) -> BreakerState {
        let until = self.until.load(Ordering::Acquire);
        match until.checked_sub(self.now()) {
            _ if until == 0 => BreakerState::Closed,
            Some(left) if left > 0 => BreakerState::Open {
                retry_in: Duration::from_millis(left),
            },
            _ => BreakerState::HalfOpen,
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOLDOWN: Duration = Duration::from_secs(10);

    fn late() -> LinkError {
        LinkError::TooLate {
            after: Duration::from_secs(1),
        }
    }

    fn open() -> Breaker {
        let breaker = Breaker::new(3, COOLDOWN);
        let opened = [late(), late(), late()].map(|cause| breaker.failed(&cause));
        assert_eq!(opened, [false, false, true]);
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_between_starts_the_count_anew() {
        let breaker = Breaker::new(3, COOLDOWN);
        for _ in 0..5 {
            assert!(!breaker.failed(&late()) && !breaker.failed(&late()));
            assert!(breaker.answered());
            assert!(!breaker.answered(), "there is nothing left to forget");
        }
        assert_eq!(breaker.state(), BreakerState::Closed);
        assert_eq!(breaker.admit().unwrap(), Admitted::Freely);
    }

    #[tokio::test(start_paused = true)]
    async fn doubts_count_but_another_failure_has_to_confirm_them() {
        let breaker = Breaker::new(3, COOLDOWN);
        for _ in 0..5 {
            breaker.doubted(&late());
        }
        assert_eq!(breaker.admit().unwrap(), Admitted::Freely);
        assert!(breaker.failed(&late()), "one is enough then");
        tokio::time::advance(COOLDOWN).await;
        assert_eq!(breaker.admit().unwrap(), Admitted::ToTry);
        breaker.doubted(&late());
        assert!(breaker.admit().is_err(), "the one that tried has failed");
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_one_refuses_with_the_cause_and_the_time() {
        let breaker = open();
        tokio::time::advance(Duration::from_secs(4)).await;
        let retry_in = Duration::from_secs(6);
        assert_eq!(breaker.state(), BreakerState::Open { retry_in });
        let refused = breaker.admit().unwrap_err().to_rpc("b");
        assert_eq!(refused.code, argus_protocol::code::BACKEND_RESTING);
        assert_eq!(
            refused.message,
            "backend `b`: not called after 3 failures in a row (the last: no answer within 1 s; raise timeouts.call if \
             the work takes longer); it is tried again in 6 s"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn after_the_cooldown_one_tries_and_decides() {
        let breaker = open();
        tokio::time::advance(COOLDOWN).await;
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        assert_eq!(breaker.admit().unwrap(), Admitted::ToTry);
        assert!(breaker.admit().is_err(), "one at a time");
        assert!(!breaker.failed(&late()), "it was open");
        assert!(breaker.admit().is_err(), "the time starts anew");
        tokio::time::advance(COOLDOWN).await;
        assert_eq!(breaker.admit().unwrap(), Admitted::ToTry);
        tokio::time::advance(COOLDOWN).await;
        assert_eq!(
            breaker.admit().unwrap(),
            Admitted::ToTry,
            "the one before takes too long"
        );
        breaker.release();
        assert_eq!(
            breaker.admit().unwrap(),
            Admitted::ToTry,
            "the one before came to nothing"
        );
        assert!(breaker.answered());
        assert_eq!(breaker.admit().unwrap(), Admitted::Freely);
        assert!(!breaker.failed(&late()), "it counts from the beginning");
    }
}
