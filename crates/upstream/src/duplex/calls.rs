//! The calls in flight on one connection, and which of them a message belongs to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use argus_protocol::{ByteString, Id, Raw, method};
use tokio::time::Instant;

use super::mailbox::{Receiver, Sender, Sent, mailbox};
use super::silence::Silence;
use crate::{Event, Outcome, Outgoing};

/// Questions that may wait in one call.
const MAX_ASKS: usize = 256;
/// How long a backend may still speak of a call that was given up. One that keeps to the protocol does not answer a
/// call that was cancelled, so nothing tells that it is over.
const HAUNTING: Duration = Duration::from_secs(600);
/// So many given-up calls are remembered.
const MAX_GHOSTS: usize = 1024;

/// Whose a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A client's.
    Client,
    /// The gateway's own: nobody can be asked about it.
    Own,
    /// `initialize`, the gateway's own too.
    Handshake,
    /// `subscriptions/listen`: open for long, causes no questions and no logs.
    Listener,
}

impl Kind {
    pub(super) fn of(request: &Outgoing) -> Self {
        match &*request.method {
            method::LISTEN => Self::Listener,
            method::INITIALIZE => Self::Handshake,
            _ if request.own => Self::Own,
            _ => Self::Client,
        }
    }

    /// `initialize` must not be cancelled (MCP "Cancellation").
    pub(super) fn is_cancellable(self) -> bool {
        self != Self::Handshake
    }
}

/// The sending half of one call's events.
#[derive(Debug)]
pub(super) struct CallSender {
    events: Sender,
    /// The caller's progress token, which ours stands for.
    pub(super) token: Option<Raw>,
    pub(super) kind: Kind,
    /// Whether it begins a task.
    pub(super) augmented: bool,
    /// The task whose result it waits for.
    pub(super) task: Option<ByteString>,
}

pub(super) fn channel(token: Option<Raw>, kind: Kind) -> (CallSender, Receiver) {
    let (events, receiver) = mailbox();
    let sender = CallSender {
        events,
        token,
        kind,
        augmented: false,
        task: None,
    };
    (sender, receiver)
}

impl CallSender {
    pub(super) fn is_listener(&self) -> bool {
        self.kind == Kind::Listener
    }

    /// Whether it is a client's whose time is limited: one that waits for the result of a task waits as long as that
    /// takes.
    fn is_limited(&self) -> bool {
        self.kind == Kind::Client && self.task.is_none()
    }

    /// Hands an event over. An ask that comes back must not be dropped while the calls are locked: it would answer.
    pub(super) fn send(&self, event: Event) -> Sent {
        self.events.send(event)
    }

    /// Hands the outcome over.
    pub(super) fn settle(&self, outcome: Outcome) {
        // A receiver that is gone has cancelled its call; nobody misses the outcome.
        let _ = self.send(Event::Outcome(outcome));
    }
}

/// All calls in flight, by our id; ids grow, so the first is the oldest.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) open: BTreeMap<u64, CallSender>,
    /// Asks that a call was given, by the backend's id.
    asked: HashMap<Id, u64>,
    /// Calls that were given up and that the backend has not answered: it may still work on them. What it says without
    /// naming a call may be theirs, and must not reach another one.
    ghosts: BTreeMap<u64, Instant>,
    /// When there were too many of them to remember: nobody can say then that only one call is left.
    haunted: Option<Instant>,
    /// How long clients have waited since the backend answered anything.
    pub(super) silence: Silence,
}

impl Calls {
    /// A call begins.
    pub(super) fn insert(&mut self, id: u64, call: CallSender) {
        if call.is_limited() {
            self.silence.begin();
        }
        self.open.insert(id, call);
    }

    /// Whether the backend may say nothing because it is at work on a client's call, which has `limit`: while nothing
    /// was answered for so long, a call that is open is no excuse any more.
    pub(super) fn excuse_silence(&self, limit: Duration) -> bool {
        let works = |call: &CallSender| call.kind == Kind::Client;
        self.silence.lasts() < limit && self.open.values().any(works)
    }

    /// The call that caused something which does not say what caused it: the only one that the backend can be working
    /// on, or, on a link that belongs to one session, the oldest of the session's that is not waiting for an answer
    /// itself. One that waits for the result of a task causes nothing itself: on a link of one session it is taken where
    /// there is no other.
    pub(super) fn culprit(&self, owned: bool) -> Option<(u64, &CallSender)> {
        let asking: HashSet<u64> = self.asked.values().copied().collect();
        let calls = || {
            self.open
                .iter()
                .filter(|(_, call)| !call.is_listener() && call.task.is_none())
        };
        let found = if owned {
            let calls = || calls().filter(|(_, call)| call.kind == Kind::Client);
            let waiting = || self.open.iter().filter(|(_, call)| call.task.is_some());
            let free = |found: &(&u64, &CallSender)| !asking.contains(found.0);
            let found = calls().find(free).or_else(|| calls().next());
            found.or_else(|| waiting().find(free)).or_else(|| waiting().next())
        } else {
            let only = !self.is_haunted() && calls().nth(1).is_none();
            calls().next().filter(|_| only)
        };
        found.map(|(id, call)| (*id, call))
    }

    /// The only call that is open, and that anything is still to come for.
    pub(super) fn lone(&self) -> Option<u64> {
        let mut calls = self.open.iter().filter(|(_, call)| !call.is_listener());
        let (first, more) = (calls.next(), calls.next());
        first
            .filter(|_| more.is_none() && !self.is_haunted())
            .map(|(id, _)| *id)
    }

    /// The only call that the backend can be working on.
    pub(super) fn sole(&self) -> Option<&CallSender> {
        self.culprit(false).map(|(_, call)| call)
    }

    /// The call that waits for the result of a task.
    pub(super) fn waiting_for(&self, task: &str) -> Option<u64> {
        let waits = |call: &CallSender| call.task.as_deref() == Some(task);
        self.open.iter().find(|(_, call)| waits(call)).map(|(id, _)| *id)
    }

    /// Gives an ask to a call; `false` when too many wait already.
    pub(super) fn ask(&mut self, id: Id, call: u64) -> bool {
        let room = self.asked.len() < MAX_ASKS;
        if room {
            self.asked.insert(id, call);
        }
        room
    }

    /// The ask is answered or withdrawn; gives the call that had it.
    pub(super) fn answered(&mut self, id: &Id) -> Option<u64> {
        self.asked.remove(id)
    }

    /// Removes a call, and the asks it holds, because it is over.
    pub(super) fn remove(&mut self, id: u64) -> Option<CallSender> {
        if !self.asked.is_empty() {
            self.asked.retain(|_, call| *call != id);
        }
        self.ghosts.remove(&id);
        let call = self.open.remove(&id);
        if call.as_ref().is_some_and(CallSender::is_limited) {
            self.silence.end();
        }
        call
    }

    /// Removes a call that nobody waits for, though the backend may still work on it; `None` when it is over anyway.
    pub(super) fn give_up(&mut self, id: u64) -> Option<CallSender> {
        let call = self.remove(id)?;
        // Nothing is done for one that only waited.
        if !call.is_listener() && call.task.is_none() {
            self.remember(id);
        }
        Some(call)
    }

    /// Remembers a call that was given up, for a while or until it is answered.
    fn remember(&mut self, id: u64) {
        let now = Instant::now();
        if self.ghosts.len() >= MAX_GHOSTS {
            self.ghosts.retain(|_, since| now - *since < HAUNTING);
        }
        if self.ghosts.len() < MAX_GHOSTS {
            self.ghosts.insert(id, now);
        } else {
            self.haunted = Some(now);
            tracing::debug!(
                "a backend left too many calls unanswered that were given up; its logs that name no call reach nobody for a while"
            );
        }
    }

    /// Whether the backend may still work on a call that was given up.
    fn is_haunted(&self) -> bool {
        let recent = |since: &Instant| since.elapsed() < HAUNTING;
        self.haunted.as_ref().is_some_and(recent) || self.ghosts.values().any(recent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_sole_call_or_the_oldest_of_an_owned_link() {
        let mut calls = Calls::default();
        assert!(calls.culprit(true).is_none());
        let (listen, _keep1) = channel(None, Kind::Listener);
        let (one, _keep2) = channel(None, Kind::Client);
        let (two, _keep3) = channel(None, Kind::Client);
        calls.insert(1, listen);
        calls.insert(2, one);
        assert_eq!(calls.culprit(false).map(|(id, _)| id), Some(2));
        calls.insert(3, two);
        assert!(calls.culprit(false).is_none());
        assert_eq!(calls.culprit(true).map(|(id, _)| id), Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_was_given_up_keeps_others_from_its_logs_for_a_while_or_until_it_is_answered() {
        let mut calls = Calls::default();
        let (one, _keep1) = channel(None, Kind::Client);
        let (two, _keep2) = channel(None, Kind::Client);
        calls.insert(1, one);
        calls.insert(2, two);
        assert!(calls.give_up(1).is_some());
        tokio::time::advance(HAUNTING / 2).await;
        assert!(calls.sole().is_none(), "it may speak of it at any time");
        assert!(calls.culprit(true).is_some(), "an owned link has one session");
        tokio::time::advance(HAUNTING / 2).await;
        assert!(calls.sole().is_some(), "nothing works on it any more");
        assert!(calls.give_up(2).is_some());
        let (three, _keep3) = channel(None, Kind::Client);
        calls.insert(3, three);
        assert!(calls.sole().is_none());
        assert!(calls.remove(2).is_none());
        assert!(calls.sole().is_some(), "the backend is done with the given-up call");
    }

    #[tokio::test(start_paused = true)]
    async fn too_many_calls_that_were_given_up_are_not_forgotten_early() {
        let mut calls = Calls::default();
        let mut give_up = |id| {
            calls.insert(id, channel(None, Kind::Client).0);
            assert!(calls.give_up(id).is_some());
        };
        let most = MAX_GHOSTS as u64;
        (0..=most + 1).for_each(&mut give_up);
        assert_eq!(calls.ghosts.len(), MAX_GHOSTS);
        (0..=most + 1).for_each(|id| assert!(calls.remove(id).is_none()));
        calls.insert(5000, channel(None, Kind::Client).0);
        assert!(
            calls.sole().is_none(),
            "one of those that were not remembered may speak"
        );
        assert!(calls.culprit(true).is_some());
        tokio::time::advance(HAUNTING).await;
        assert!(calls.sole().is_some());
    }

    #[test]
    fn a_call_that_waits_for_an_answer_does_not_get_the_next_question() {
        let mut calls = Calls::default();
        let (one, _keep1) = channel(None, Kind::Client);
        let (two, _keep2) = channel(None, Kind::Client);
        calls.insert(1, one);
        calls.insert(2, two);
        assert!(calls.ask(Id::number(7), 1));
        assert_eq!(calls.culprit(true).map(|(id, _)| id), Some(2));
        assert_eq!(calls.answered(&Id::number(7)), Some(1));
        assert_eq!(calls.culprit(true).map(|(id, _)| id), Some(1));
    }

    #[test]
    fn a_call_that_waits_for_a_task_causes_nothing_and_leaves_no_ghost() {
        let waiting = || {
            let (mut call, keep) = channel(None, Kind::Client);
            call.task = Some("t".to_owned().into());
            (call, keep)
        };
        let mut calls = Calls::default();
        let (wait, _keep1) = waiting();
        calls.insert(1, wait);
        assert!(calls.sole().is_none(), "whose task speaks cannot be told");
        assert_eq!(
            (calls.culprit(true).map(|(id, _)| id), calls.lone()),
            (Some(1), Some(1))
        );
        let (one, _keep2) = channel(None, Kind::Client);
        calls.insert(2, one);
        assert_eq!(calls.culprit(true).map(|(id, _)| id), Some(2));
        assert!(calls.ask(Id::number(7), 2));
        assert_eq!(calls.culprit(true).map(|(id, _)| id), Some(2));
        assert_eq!(calls.culprit(false).map(|(id, _)| id), Some(2));
        assert_eq!((calls.waiting_for("t"), calls.lone()), (Some(1), None));
        assert!(calls.give_up(1).is_some());
        assert!(calls.sole().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_open_call_excuses_silence_until_its_time_is_over_and_steady_callers_do_not_make_that_longer() {
        const LIMIT: Duration = Duration::from_secs(2);
        let mut calls = Calls::default();
        assert!(!calls.excuse_silence(LIMIT), "nothing is with it");
        for id in 0..2 {
            calls.insert(id, channel(None, Kind::Client).0);
            assert!(calls.excuse_silence(LIMIT));
            tokio::time::advance(LIMIT / 2).await;
            calls.give_up(id);
        }
        calls.insert(3, channel(None, Kind::Client).0);
        assert!(!calls.excuse_silence(LIMIT));
        calls.silence.heard();
        assert!(calls.excuse_silence(LIMIT));
        calls.remove(3);
        let (mut wait, _keep) = channel(None, Kind::Client);
        wait.task = Some("t".to_owned().into());
        calls.insert(4, wait);
        tokio::time::advance(LIMIT * 2).await;
        assert!(calls.excuse_silence(LIMIT), "a task may take its time");
    }

    #[test]
    fn the_gateways_own_calls_cause_no_questions() {
        let mut calls = Calls::default();
        let (own, _keep1) = channel(None, Kind::Own);
        let (hello, _keep2) = channel(None, Kind::Handshake);
        let (one, _keep3) = channel(None, Kind::Client);
        calls.insert(1, own);
        calls.insert(2, hello);
        assert!(calls.culprit(true).is_none());
        calls.insert(3, one);
        assert!(calls.ask(Id::number(7), 3));
        assert_eq!(calls.culprit(true).map(|(id, _)| id), Some(3));
    }
}
