//! The calls in flight on one connection, and which of them a message belongs to.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argus_protocol::{Id, Raw, method};
use tokio::sync::mpsc;

use crate::{Ask, Event, Outcome, Outgoing};

/// Notifications and questions of so many bytes may wait for a slow client in one call; more are dropped or refused, so
/// that it cannot fill the memory.
const MAX_WAITING: usize = 16 << 20;
/// What an event costs besides its parameters, about.
const OVERHEAD: usize = 128;
/// Questions that may wait in one call.
const MAX_ASKS: usize = 256;
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

/// What became of an event.
#[must_use]
pub(super) enum Sent {
    /// It is handed over.
    Done,
    /// Too much waits for the client already.
    TooSlow(Event),
    /// Nobody waits for the call any more.
    Gone(Event),
}

/// The sending half of one call's events.
#[derive(Debug)]
pub(super) struct CallSender {
    events: mpsc::UnboundedSender<Event>,
    waiting: Arc<AtomicUsize>,
    /// The caller's progress token, which ours stands for.
    pub(super) token: Option<Raw>,
    pub(super) kind: Kind,
}

/// The receiving half.
#[derive(Debug)]
pub(super) struct CallReceiver {
    events: mpsc::UnboundedReceiver<Event>,
    waiting: Arc<AtomicUsize>,
}

pub(super) fn channel(token: Option<Raw>, kind: Kind) -> (CallSender, CallReceiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let sender = CallSender {
        events: sender,
        waiting: Arc::clone(&waiting),
        token,
        kind,
    };
    (
        sender,
        CallReceiver {
            events: receiver,
            waiting,
        },
    )
}

impl CallSender {
    pub(super) fn is_listener(&self) -> bool {
        self.kind == Kind::Listener
    }

    /// Hands an event over. An ask that comes back must not be dropped while the calls are locked: it would answer.
    pub(super) fn send(&self, event: Event) -> Sent {
        let size = size_of(&event);
        let waiting = self.waiting.fetch_add(size, Ordering::Relaxed);
        if waiting >= MAX_WAITING && matches!(event, Event::Notification { .. } | Event::Ask(_)) {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            return Sent::TooSlow(event);
        }
        match self.events.send(event) {
            Ok(()) => Sent::Done,
            Err(mpsc::error::SendError(event)) => Sent::Gone(event),
        }
    }

    /// Hands the outcome over.
    pub(super) fn settle(&self, outcome: Outcome) {
        // A receiver that is gone has cancelled its call; nobody misses the outcome.
        let _ = self.send(Event::Outcome(outcome));
    }
}

impl CallReceiver {
    pub(super) async fn recv(&mut self) -> Option<Event> {
        let event = self.events.recv().await?;
        self.waiting.fetch_sub(size_of(&event), Ordering::Relaxed);
        Some(event)
    }
}

fn size_of(event: &Event) -> usize {
    let (Event::Notification { params, .. } | Event::Ask(Ask { params, .. })) = event else {
        return OVERHEAD;
    };
    OVERHEAD + params.as_ref().map_or(0, |raw| raw.as_str().len())
}

/// All calls in flight, by our id; ids grow, so the first is the oldest.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) open: BTreeMap<u64, CallSender>,
    /// Asks that a call was given, by the backend's id.
    asked: HashMap<Id, u64>,
    /// Calls that were given up and that the backend has not answered: it may still work on them, for however long. What
    /// it says without naming a call may be theirs, and must not reach another one.
    ghosts: HashSet<u64>,
    /// There were too many of them to remember: nobody can say any more that only one call is left.
    haunted: bool,
}

impl Calls {
    /// The call that caused something which does not say what caused it: the only one that the backend can be working
    /// on, or, on a link that belongs to one session, the oldest of the session's that is not waiting for an answer
    /// itself.
    pub(super) fn culprit(&self, owned: bool) -> Option<(u64, &CallSender)> {
        let asking: HashSet<u64> = self.asked.values().copied().collect();
        let calls = || self.open.iter().filter(|(_, call)| !call.is_listener());
        let found = if owned {
            let calls = || calls().filter(|(_, call)| call.kind == Kind::Client);
            calls().find(|(id, _)| !asking.contains(id)).or_else(|| calls().next())
        } else {
            let only = !self.haunted && self.ghosts.is_empty() && calls().nth(1).is_none();
            calls().next().filter(|_| only)
        };
        found.map(|(id, call)| (*id, call))
    }

    /// The only call that the backend can be working on.
    pub(super) fn sole(&self) -> Option<&CallSender> {
        self.culprit(false).map(|(_, call)| call)
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
        self.asked.retain(|_, call| *call != id);
        self.ghosts.remove(&id);
        self.open.remove(&id)
    }

    /// Removes a call that nobody waits for, though the backend may still work on it; `None` when it is over anyway.
    pub(super) fn give_up(&mut self, id: u64) -> Option<CallSender> {
        let call = self.remove(id)?;
        if !call.is_listener() {
            self.remember(id);
        }
        Some(call)
    }

    /// Remembers a call that was given up, for as long as the connection lasts, or until it is answered.
    fn remember(&mut self, id: u64) {
        if self.haunted {
            return;
        }
        if self.ghosts.len() < MAX_GHOSTS {
            self.ghosts.insert(id);
        } else {
            self.haunted = true;
            self.ghosts = HashSet::new();
            tracing::debug!(
                "a backend left too many calls unanswered that were given up; its logs that name no call reach nobody"
            );
        }
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
        calls.open.insert(1, listen);
        calls.open.insert(2, one);
        assert_eq!(calls.culprit(false).map(|(id, _)| id), Some(2));
        calls.open.insert(3, two);
        assert!(calls.culprit(false).is_none());
        assert_eq!(calls.culprit(true).map(|(id, _)| id), Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_was_given_up_keeps_others_from_its_logs_until_it_is_answered() {
        let mut calls = Calls::default();
        let (one, _keep1) = channel(None, Kind::Client);
        let (two, _keep2) = channel(None, Kind::Client);
        calls.open.insert(1, one);
        calls.open.insert(2, two);
        assert!(calls.give_up(1).is_some());
        tokio::time::advance(std::time::Duration::from_secs(86400)).await;
        assert!(calls.sole().is_none(), "it may speak of it at any time");
        assert!(calls.culprit(true).is_some(), "an owned link has one session");
        assert!(calls.remove(1).is_none());
        assert!(calls.sole().is_some(), "the backend is done with the given-up call");
    }

    #[test]
    fn too_many_calls_that_were_given_up_are_never_forgotten() {
        let mut calls = Calls::default();
        let mut give_up = |id| {
            calls.open.insert(id, channel(None, Kind::Client).0);
            assert!(calls.give_up(id).is_some());
        };
        let most = MAX_GHOSTS as u64;
        (0..most).for_each(&mut give_up);
        give_up(most);
        give_up(most + 1);
        assert!(calls.ghosts.is_empty(), "they are not kept in vain");
        (0..=most + 1).for_each(|id| assert!(calls.remove(id).is_none()));
        calls.open.insert(5000, channel(None, Kind::Client).0);
        assert!(calls.sole().is_none());
        assert!(calls.culprit(true).is_some());
    }

    #[test]
    fn a_call_that_waits_for_an_answer_does_not_get_the_next_question() {
        let mut calls = Calls::default();
        let (one, _keep1) = channel(None, Kind::Client);
        let (two, _keep2) = channel(None, Kind::Client);
        calls.open.insert(1, one);
        calls.open.insert(2, two);
        assert!(calls.ask(Id::number(7), 1));
        assert_eq!(calls.culprit(true).map(|(id, _)| id), Some(2));
        assert_eq!(calls.answered(&Id::number(7)), Some(1));
        assert_eq!(calls.culprit(true).map(|(id, _)| id), Some(1));
    }

    #[test]
    fn the_gateways_own_calls_cause_no_questions() {
        let mut calls = Calls::default();
        let (own, _keep1) = channel(None, Kind::Own);
        let (hello, _keep2) = channel(None, Kind::Handshake);
        let (one, _keep3) = channel(None, Kind::Client);
        calls.open.insert(1, own);
        calls.open.insert(2, hello);
        assert!(calls.culprit(true).is_none());
        calls.open.insert(3, one);
        assert!(calls.ask(Id::number(7), 3));
        assert_eq!(calls.culprit(true).map(|(id, _)| id), Some(3));
    }

    #[tokio::test]
    async fn a_flood_of_notifications_is_bounded_and_the_outcome_still_arrives() {
        let (sender, mut receiver) = channel(None, Kind::Client);
        let params = Raw::string(&"x".repeat(1 << 20));
        let flood = || Event::Notification {
            method: "x".into(),
            params: Some(params.clone()),
        };
        assert!((0..15).all(|_| matches!(sender.send(flood()), Sent::Done)));
        assert!((0..3).any(|_| matches!(sender.send(flood()), Sent::TooSlow(_))));
        sender.settle(Ok(argus_protocol::Answer::Result(Raw::empty_object())));
        drop(sender);
        let mut last = None;
        while let Some(event) = receiver.recv().await {
            last = Some(event);
        }
        assert!(matches!(last, Some(Event::Outcome(_))));
    }
}
