//! How many calls are with a backend at once, and how many wait for their turn.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argus_config::Usage;
use argus_protocol::{Answer, Raw};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::breaker::Admitted;
use crate::tally::{CallEnd, CallMethod, Wait, WaitFor};
use crate::{LinkError, Outcome, Tally, Upstream};

/// The turns at one backend. Taking one that is free is one atomic operation.
#[derive(Debug)]
pub(crate) struct Turns {
    most: AtomicUsize,
    most_waiting: AtomicUsize,
    taken: AtomicUsize,
    waiting: AtomicUsize,
    /// Calls that have no part in how many there may be.
    beside: AtomicUsize,
    freed: Notify,
}

/// The turn of one call; the next one's comes when it is dropped.
#[derive(Debug)]
pub struct Turn {
    upstream: Arc<Upstream>,
    /// Whether it was waited for.
    counts: bool,
    method: CallMethod,
    /// When it was asked for.
    asked: Instant,
    since: Instant,
    admitted: Admitted,
    /// Whether it is counted how the call ended.
    counted: bool,
}

impl Turn {
    /// The backend whose turn it is.
    #[must_use]
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Waits for the connection of the call.
    pub async fn connecting<T>(&self, making: Pin<&mut impl Future<Output = T>>) -> T {
        self.upstream.tally.connecting(making).await
    }

    /// The call is over: tells whether the backend answered, whatever it said.
    pub fn ended(&mut self, outcome: &Outcome) {
        let now = Instant::now();
        let took = now.duration_since(self.since);
        self.count(CallEnd::of(self.method, outcome), now);
        if self.counts {
            self.upstream.record().took(now, took);
        }
        match outcome {
            Ok(Answer::Result(_)) => self.upstream.answered(self.counts.then_some(took)),
            Ok(Answer::Error(_)) => self.upstream.refused(self.counts.then_some(took)),
            Err(cause) => self.unanswered(cause),
        }
    }

    /// The same of a question that the gateway asked on a client's behalf.
    pub fn asked(&mut self, outcome: &Result<Raw, LinkError>) {
        self.over(outcome.as_ref().err().map_or(CallEnd::Ok, CallEnd::from));
        match outcome {
            Ok(_) => self.upstream.answered(None),
            Err(LinkError::Refused { .. }) => self.upstream.refused(None),
            Err(cause) => self.unanswered(cause),
        }
    }

    fn unanswered(&self, cause: &LinkError) {
        if cause.is_failure() {
            self.upstream.failed(cause);
        } else if cause.is_no_answer() {
            self.upstream.puzzled();
        }
    }

    /// The call is over, or was never made, and this is how it counts. One whose turn is dropped without a word was
    /// cancelled.
    pub fn over(&mut self, end: CallEnd) {
        self.count(end, Instant::now());
    }

    fn count(&mut self, end: CallEnd, now: Instant) {
        if !std::mem::replace(&mut self.counted, true) {
            self.upstream.tally.ended(self.method, end, now - self.asked);
        }
    }

    /// There is no connection for the call. (Attempts to connect count where they are made; this one was to try.)
    pub fn unconnected(&mut self, cause: &LinkError) {
        self.over(cause.into());
        if matches!(self.admitted, Admitted::ToTry(_)) {
            self.upstream.failed(cause);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.counted {
            self.over(CallEnd::Cancelled);
        }
        if let Admitted::ToTry(trial) = self.admitted {
            self.upstream.signs.breaker.release(trial);
        }
        match self.counts {
            true => self.upstream.turns.free(),
            false => drop(self.upstream.turns.beside.fetch_sub(1, Ordering::SeqCst)),
        }
    }
}

impl Upstream {
    /// Waits for a call's turn, at most as long as a call may take.
    ///
    /// # Errors
    /// When the backend failed too often, too many calls wait already, or the turn does not come in time;
    /// [`LinkError::Retired`] when the turn is at the one that took the place of this one.
    pub async fn turn(self: &Arc<Self>, method: CallMethod) -> Result<Turn, LinkError> {
        self.turn_of(method, &mut None).await
    }

    /// The same for a call that may have waited elsewhere before: `since` when, which is set at first.
    ///
    /// # Errors
    /// As with [`Self::turn`].
    pub async fn turn_of(self: &Arc<Self>, method: CallMethod, since: &mut Option<Instant>) -> Result<Turn, LinkError> {
        self.pulse.called();
        let mut asking = Asking::begin(self, method, *since.get_or_insert_with(Instant::now));
        let turn = self.wait_for_turn(method, asking.since).await;
        asking.end(turn.as_ref().err());
        turn
    }

    async fn wait_for_turn(self: &Arc<Self>, method: CallMethod, asked: Instant) -> Result<Turn, LinkError> {
        let trial = Trial::of(self)?;
        let mut since = asked;
        if !self.turns.take() {
            let after = self.definition().timeouts.call;
            let waiting = self.turns.wait(&self.tally, || self.retired.is());
            let waited = tokio::time::timeout_at(asked + after, waiting).await;
            waited.map_err(|_| LinkError::Timeout {
                what: "a free turn",
                after,
            })??;
            since = Instant::now();
        }
        self.unless_retired(Turn {
            upstream: Arc::clone(self),
            counts: true,
            method,
            asked,
            since,
            admitted: trial.keep(),
            counted: false,
        })
    }

    /// The next of those who wait for a turn of this one, which is retired, may go to the one that has its place: the one
    /// before it waits there.
    pub fn pass_on(&self) {
        self.turns.pass_on();
    }

    /// A call that was to go on at the one that has the place of this one, which is retired, found none there: this is
    /// where it counts. `since` is when it began to wait.
    pub fn led_nowhere(&self, method: CallMethod, since: Option<Instant>) {
        let took = since.map(|since| since.elapsed()).unwrap_or_default();
        self.tally.ended(method, (&LinkError::Retired).into(), took);
    }

    /// The turn of a call that only waits for what another one began: it has no part in how many are with the backend,
    /// because it may wait for those that come after it.
    ///
    /// # Errors
    /// [`LinkError::Retired`], as with [`Self::turn`].
    pub fn beside(self: &Arc<Self>, method: CallMethod) -> Result<Turn, LinkError> {
        self.pulse.called();
        self.turns.beside.fetch_add(1, Ordering::SeqCst);
        let now = Instant::now();
        self.unless_retired(Turn {
            upstream: Arc::clone(self),
            counts: false,
            method,
            asked: now,
            since: now,
            admitted: Admitted::Freely,
            counted: false,
        })
    }

    /// To be asked after the turn was taken: whoever retires this looks at the turns after saying so.
    fn unless_retired(&self, mut turn: Turn) -> Result<Turn, LinkError> {
        if self.retired.is() {
            // The call goes on at the next one, and counts there.
            turn.counted = true;
            return Err(LinkError::Retired);
        }
        Ok(turn)
    }
}

/// A call that asks for its turn. Dropped before it has one, it was cancelled.
struct Asking<'a> {
    upstream: &'a Upstream,
    method: CallMethod,
    since: Instant,
    over: bool,
}

impl<'a> Asking<'a> {
    fn begin(upstream: &'a Upstream, method: CallMethod, since: Instant) -> Self {
        Self {
            upstream,
            method,
            since,
            over: false,
        }
    }

    /// It has its turn, or will not get it.
    fn end(&mut self, refused: Option<&LinkError>) {
        self.over = true;
        match refused {
            None | Some(LinkError::Retired) => {}
            Some(cause) => self.count(cause.into()),
        }
    }

    fn count(&self, end: CallEnd) {
        self.upstream.tally.ended(self.method, end, self.since.elapsed());
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.over {
            self.count(CallEnd::Cancelled);
        }
    }
}

/// What a call that waits for its turn was let through as. Dropped, another one may try.
struct Trial<'a> {
    upstream: &'a Upstream,
    admitted: Admitted,
}

impl<'a> Trial<'a> {
    /// One that is retired refuses nobody: the breaker that counts is that of the one in its place.
    fn of(upstream: &'a Upstream) -> Result<Self, LinkError> {
        if upstream.retired.is() {
            return Err(LinkError::Retired);
        }
        let admitted = upstream.signs.breaker.admit()?;
        Ok(Self { upstream, admitted })
    }

    fn keep(mut self) -> Admitted {
        std::mem::replace(&mut self.admitted, Admitted::Freely)
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if let Admitted::ToTry(trial) = self.admitted {
            self.upstream.signs.breaker.release(trial);
        }
    }
}

impl Turns {
    pub(crate) fn new(usage: &Usage) -> Self {
        Self {
            most: AtomicUsize::new(usage.max_concurrent_calls),
            most_waiting: AtomicUsize::new(usage.max_waiting_calls),
            taken: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            beside: AtomicUsize::new(0),
            freed: Notify::new(),
        }
    }

    fn take(&self) -> bool {
        let most = self.most.load(Ordering::Relaxed);
        let one_more = |taken| (taken < most).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more)
            .is_ok()
    }

    /// Waits for a turn; [`LinkError::Retired`] when it is this one's to look for another place. The next one's is it with
    /// [`Self::pass_on`].
    async fn wait(&self, tally: &Tally, retired: impl Fn() -> bool) -> Result<(), LinkError> {
        let _waiting = Waiting::begin(self)?;
        let _timed = Wait::since(tally, WaitFor::Turn, Instant::now());
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            if retired() {
                return Err(LinkError::Retired);
            }
            if self.take() {
                return Ok(());
            }
            freed.await;
        }
    }

    /// Wakes the one that has waited longest.
    pub(crate) fn pass_on(&self) {
        self.freed.notify_one();
    }

    /// Other bounds from now on.
    pub(crate) fn bound(&self, usage: &Usage) {
        self.most.store(usage.max_concurrent_calls, Ordering::Relaxed);
        self.most_waiting.store(usage.max_waiting_calls, Ordering::Relaxed);
        self.freed.notify_waiters();
    }

    /// Whether no call is under way, nor waits.
    pub(crate) fn none(&self) -> bool {
        [&self.taken, &self.waiting, &self.beside].map(|calls| calls.load(Ordering::SeqCst)) == [0, 0, 0]
    }

    /// How many calls are under way, and how many wait.
    pub(crate) fn now(&self) -> (usize, usize) {
        let [taken, waiting, beside] =
            [&self.taken, &self.waiting, &self.beside].map(|calls| calls.load(Ordering::Relaxed));
        (taken.saturating_add(beside), waiting)
    }

    /// The orders are sequential, because whoever frees a turn must see who waits, or be seen by them.
    fn free(&self) {
        self.taken.fetch_sub(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.freed.notify_one();
        }
    }
}

/// One that waits.
struct Waiting<'a>(&'a Turns);

impl<'a> Waiting<'a> {
    fn begin(turns: &'a Turns) -> Result<Self, LinkError> {
        let this = Self(turns);
        if turns.waiting.fetch_add(1, Ordering::SeqCst) >= turns.most_waiting.load(Ordering::Relaxed) {
            return Err(LinkError::Busy {
                calls: turns.most.load(Ordering::Relaxed),
                waiting: turns.most_waiting.load(Ordering::Relaxed),
            });
        }
        Ok(this)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn turns(most: usize, most_waiting: usize) -> Turns {
        Turns {
            most: AtomicUsize::new(most),
            most_waiting: AtomicUsize::new(most_waiting),
            taken: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            beside: AtomicUsize::new(0),
            freed: Notify::new(),
        }
    }

    #[tokio::test]
    async fn those_beyond_wait_and_too_many_are_refused() {
        let (turns, tally) = (Arc::new(turns(2, 1)), Arc::new(Tally::default()));
        assert!(turns.take() && turns.take() && !turns.take());
        let waiting = tokio::spawn({
            let turns = Arc::clone(&turns);
            let tally = Arc::clone(&tally);
            async move { turns.wait(&tally, || false).await }
        });
        tokio::task::yield_now().await;
        let refused = turns.wait(&tally, || false).await.unwrap_err().to_string();
        assert!(
            refused.contains("2 calls") && refused.contains("max_waiting_calls"),
            "{refused}"
        );
        assert!(!waiting.is_finished());
        turns.free();
        waiting.await.unwrap().unwrap();
        assert!(!turns.take());
    }

    #[tokio::test]
    async fn one_who_stops_waiting_leaves_no_trace() {
        let (turns, tally) = (turns(1, 1), Tally::default());
        assert!(turns.take());
        assert!(
            tokio::time::timeout(Duration::from_millis(1), turns.wait(&tally, || false))
                .await
                .is_err()
        );
        turns.free();
        assert!(turns.take());
        assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
        assert_eq!(tally.waits(WaitFor::Turn).count, 1, "it has waited");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_one_of_many_gets_a_turn() {
        let (turns, tally) = (Arc::new(turns(3, 1000)), Arc::new(Tally::default()));
        let all = (0..500).map(|_| {
            let (turns, tally) = (Arc::clone(&turns), Arc::clone(&tally));
            tokio::spawn(async move {
                if !turns.take() {
                    turns.wait(&tally, || false).await.unwrap();
                }
                tokio::task::yield_now().await;
                turns.free();
            })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        assert_eq!(turns.taken.load(Ordering::Relaxed), 0);
    }
}
