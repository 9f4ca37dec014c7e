//! When a backend is no longer called: after some failures in a row, for a while, until one call or question succeeds.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::LinkError;

/// Counts what failed in a row. Letting a call through that nothing speaks against, and hearing an answer that changes
/// nothing, are atomic looks; all else is done by one at a time.
#[derive(Debug)]
pub(crate) struct Breaker {
    threshold: u32,
    cooldown: Duration,
    began: Instant,
    failures: AtomicU32,
    /// Until when nothing is let through, in milliseconds since it began; 0 while it is closed.
    until: AtomicU64,
    /// The only one who writes any of the others.
    rest: Mutex<Rest>,
}

/// What nobody looks at in passing.
#[derive(Debug, Default)]
struct Rest {
    /// The one that was let through to try.
    trial: Option<Running>,
    /// How many there were.
    trials: u64,
    /// The last failure.
    cause: String,
    /// When it opened.
    opened: Option<SystemTime>,
}

#[derive(Debug)]
struct Running {
    number: u64,
    /// Until when it keeps others from trying, on the clock of the breaker.
    until: u64,
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
    ToTry(Trial),
}

/// Which of those that were let through to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trial(u64);

/// A breaker turned.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Turned<'a> {
    Opened {
        failures: u32,
        cause: &'a LinkError,
        retry_in: Duration,
    },
    /// After it was open for so long.
    Closed { after: Option<Duration> },
}

impl Breaker {
    pub(crate) fn new(threshold: u32, cooldown: Duration) -> Self {
        Self {
            threshold,
            cooldown,
            began: Instant::now(),
            failures: AtomicU32::new(0),
            until: AtomicU64::new(0),
            rest: Mutex::default(),
        }
    }

    /// Lets a call through, or says why not.
    pub(crate) fn admit(&self) -> Result<Admitted, LinkError> {
        if self.until.load(Ordering::Acquire) == 0 {
            return Ok(Admitted::Freely);
        }
        let mut rest = self.rest();
        let until = self.until.load(Ordering::Relaxed);
        if until == 0 {
            return Ok(Admitted::Freely);
        }
        let now = self.now();
        // Who had the place for as long as calls are refused has come to nothing yet.
        let taken = rest.trial.as_ref().is_some_and(|trial| now < trial.until);
        if now >= until && !taken {
            rest.trials += 1;
            let number = rest.trials;
            let until = now.saturating_add(self.cooldown_ms());
            rest.trial = Some(Running { number, until });
            return Ok(Admitted::ToTry(Trial(number)));
        }
        Err(LinkError::Resting {
            failures: self.failures(),
            last: rest.cause.clone(),
            // Who comes while another one tries learns more in a moment.
            retry_in: Duration::from_millis(until.saturating_sub(now)).max(Duration::from_secs(1)),
        })
    }

    fn cooldown_ms(&self) -> u64 {
        u64::try_from(self.cooldown.as_millis()).unwrap_or(u64::MAX)
    }

    /// The call that was to try is over without a result. One that was overtaken has no place to give back.
    pub(crate) fn release(&self, Trial(number): Trial) {
        let mut rest = self.rest();
        if rest.trial.as_ref().is_some_and(|trial| trial.number == number) {
            rest.trial = None;
        }
    }

    /// The backend answered. `true` when there were failures before. `tell` hears of its closing, in the order in which
    /// it turns; it must not come back here.
    pub(crate) fn answered(&self, tell: impl FnOnce(Turned<'_>)) -> bool {
        if self.failures.load(Ordering::Relaxed) == 0 && self.until.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut rest = self.rest();
        let failures = self.failures.swap(0, Ordering::AcqRel);
        let was_open = self.until.swap(0, Ordering::AcqRel) != 0;
        rest.trial = None;
        if was_open {
            let after = rest.opened.take().and_then(|opened| opened.elapsed().ok());
            tell(Turned::Closed { after });
        }
        was_open || failures > 0
    }

    /// The backend failed. `true` when this made the breaker open; `tell` hears of that, as with [`Self::answered`].
    pub(crate) fn failed(&self, cause: &LinkError, tell: impl FnOnce(Turned<'_>)) -> bool {
        let mut rest = self.rest();
        self.note(&mut rest, cause);
        let failures = self.failures();
        if failures < self.threshold {
            return false;
        }
        let opened = !self.is_open();
        self.begin_pause(&mut rest);
        if opened {
            rest.opened = Some(SystemTime::now());
            let retry_in = self.cooldown;
            tell(Turned::Opened {
                failures,
                cause,
                retry_in,
            });
        }
        opened
    }

    /// The backend may have failed, and will be asked: this counts, but does not open the breaker.
    pub(crate) fn doubted(&self, cause: &LinkError) {
        let mut rest = self.rest();
        self.note(&mut rest, cause);
        if self.is_open() {
            self.begin_pause(&mut rest);
        }
    }

    fn note(&self, rest: &mut Rest, cause: &LinkError) {
        rest.cause = cause.for_callers();
        self.failures.fetch_add(1, Ordering::AcqRel);
    }

    fn is_open(&self) -> bool {
        self.until.load(Ordering::Relaxed) != 0
    }

    fn begin_pause(&self, rest: &mut Rest) {
        let until = self.now().saturating_add(self.cooldown_ms()).max(1);
        self.until.store(until, Ordering::Release);
        rest.trial = None;
    }

    /// Since when it is open.
    pub(crate) fn opened(&self) -> Option<SystemTime> {
        self.rest().opened
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
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
    use std::sync::atomic::AtomicBool;

    use super::*;

    const COOLDOWN: Duration = Duration::from_secs(10);

    fn nobody(_: Turned<'_>) {}

    fn tries(admitted: Result<Admitted, LinkError>) -> Option<Trial> {
        match admitted.unwrap() {
            Admitted::ToTry(trial) => Some(trial),
            Admitted::Freely => None,
        }
    }

    fn late() -> LinkError {
        LinkError::TooLate {
            after: Duration::from_secs(1),
        }
    }

    fn open() -> Breaker {
        let breaker = Breaker::new(3, COOLDOWN);
        let opened = [late(), late(), late()].map(|cause| breaker.failed(&cause, nobody));
        assert_eq!(opened, [false, false, true]);
        breaker
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_between_starts_the_count_anew() {
        let breaker = Breaker::new(3, COOLDOWN);
        for _ in 0..5 {
            assert!(!breaker.failed(&late(), nobody) && !breaker.failed(&late(), nobody));
            assert!(breaker.answered(nobody));
            assert!(!breaker.answered(nobody), "there is nothing left to forget");
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
        assert!(breaker.failed(&late(), nobody), "one is enough then");
        tokio::time::advance(COOLDOWN).await;
        assert!(tries(breaker.admit()).is_some());
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
        assert!(tries(breaker.admit()).is_some());
        assert!(breaker.admit().is_err(), "one at a time");
        assert!(!breaker.failed(&late(), nobody), "it was open");
        assert!(breaker.admit().is_err(), "the time starts anew");
        tokio::time::advance(COOLDOWN).await;
        assert!(tries(breaker.admit()).is_some());
        tokio::time::advance(COOLDOWN).await;
        let second = tries(breaker.admit()).expect("the one before takes too long");
        breaker.release(second);
        assert!(tries(breaker.admit()).is_some(), "the one before came to nothing");
        assert!(breaker.answered(nobody));
        assert_eq!(breaker.admit().unwrap(), Admitted::Freely);
        assert!(!breaker.failed(&late(), nobody), "it counts from the beginning");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_overtaken_does_not_give_back_the_place_of_another() {
        let breaker = open();
        tokio::time::advance(COOLDOWN).await;
        let slow = tries(breaker.admit()).unwrap();
        tokio::time::advance(COOLDOWN).await;
        let now = tries(breaker.admit()).unwrap();
        breaker.release(slow);
        assert!(breaker.admit().is_err(), "another one tries");
        breaker.release(now);
        assert!(tries(breaker.admit()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn its_turns_are_told_once() {
        let breaker = open();
        let mut told = Vec::new();
        assert!(!breaker.failed(&late(), |_| told.push("opened again")));
        tokio::time::advance(COOLDOWN).await;
        breaker.answered(|turned| {
            told.push(if matches!(turned, Turned::Closed { .. }) {
                "closed"
            } else {
                "?"
            })
        });
        breaker.answered(|_| told.push("closed again"));
        assert_eq!((told, breaker.opened()), (vec!["closed"], None));
        for _ in 0..2 {
            breaker.failed(&late(), |_| told_too_early());
        }
        let mut failures = 0;
        breaker.failed(&late(), |turned| {
            if let Turned::Opened { failures: counted, .. } = turned {
                failures = counted;
            }
        });
        assert_eq!(failures, 3);
    }

    fn told_too_early() {
        panic!("it is not open yet");
    }

    /// Whatever the order, an answer after all failures closes it.
    #[test]
    fn failures_and_answers_at_once_leave_nothing_behind() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _clock = runtime.enter();
        let breaker = Breaker::new(1, Duration::ZERO);
        let (rounds, over) = (std::sync::Barrier::new(2), AtomicBool::new(false));
        let mut found = (BreakerState::Closed, Some(Admitted::Freely));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                loop {
                    rounds.wait();
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    breaker.failed(&late(), nobody);
                    rounds.wait();
                }
            });
            let began = std::time::Instant::now();
            while began.elapsed().as_secs() < 1 && found == (BreakerState::Closed, Some(Admitted::Freely)) {
                rounds.wait();
                breaker.answered(nobody);
                rounds.wait();
                breaker.answered(nobody);
                found = (breaker.state(), breaker.admit().ok());
            }
            over.store(true, Ordering::Relaxed);
            rounds.wait();
        });
        assert_eq!(found, (BreakerState::Closed, Some(Admitted::Freely)));
    }
}
