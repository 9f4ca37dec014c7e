//! The calls in flight on one process, and which of them a message belongs to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argus_protocol::{Id, Raw};
use tokio::sync::mpsc;

use crate::Event;

/// So many notifications may wait for a slow client in one call; more are dropped, so that it cannot fill the memory.
const MAX_WAITING: usize = 4096;

/// The sending half of one call's events.
#[derive(Debug)]
pub(super) struct CallSender {
    events: mpsc::UnboundedSender<Event>,
    waiting: Arc<AtomicUsize>,
    /// The caller's progress token, which ours stands for.
    pub(super) token: Option<Raw>,
    /// `subscriptions/listen`: open for long, causes no questions and no logs.
    pub(super) listening: bool,
}

/// The receiving half.
#[derive(Debug)]
pub(super) struct CallReceiver {
    events: mpsc::UnboundedReceiver<Event>,
    waiting: Arc<AtomicUsize>,
}

pub(super) fn channel(token: Option<Raw>, listening: bool) -> (CallSender, CallReceiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let sender = CallSender {
        events: sender,
        waiting: Arc::clone(&waiting),
        token,
        listening,
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
    /// Hands an event over; `false` when a notification was dropped because the client is too slow.
    pub(super) fn send(&self, event: Event) -> bool {
        let droppable = matches!(event, Event::Notification { .. });
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING && droppable {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        // A receiver that is gone has cancelled its call; nobody misses the event.
        let _ = self.events.send(event);
        true
    }
}

impl CallReceiver {
    pub(super) async fn recv(&mut self) -> Option<Event> {
        let event = self.events.recv().await?;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(event)
    }
}

/// All calls in flight, by our id; ids grow, so the first is the oldest.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) open: BTreeMap<u64, CallSender>,
    /// Asks that a call was given, by the backend's id.
    pub(super) asked: HashMap<Id, u64>,
}

impl Calls {
    /// The call that caused something which does not say what caused it: the only one in flight, or, on a link that
    /// belongs to one session, the oldest.
    pub(super) fn culprit(&self, owned: bool) -> Option<(u64, &CallSender)> {
        let mut calls = self.open.iter().filter(|(_, call)| !call.listening);
        let (id, call) = calls.next()?;
        (owned || calls.next().is_none()).then_some((*id, call))
    }

    /// The only call in flight.
    pub(super) fn sole(&self) -> Option<&CallSender> {
        self.culprit(false).map(|(_, call)| call)
    }

    /// Removes a call and the asks it holds.
    pub(super) fn remove(&mut self, id: u64) -> Option<CallSender> {
        self.asked.retain(|_, call| *call != id);
        self.open.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_sole_call_or_the_oldest_of_an_owned_link() {
        let mut calls = Calls::default();
        assert!(calls.culprit(true).is_none());
        let (listen, _keep1) = channel(None, true);
        let (one, _keep2) = channel(None, false);
        let (two, _keep3) = channel(None, false);
        calls.open.insert(1, listen);
        calls.open.insert(2, one);
        assert_eq!(calls.culprit(false).map(|(id, _)| id), Some(2));
        calls.open.insert(3, two);
        assert!(calls.culprit(false).is_none());
        assert_eq!(calls.culprit(true).map(|(id, _)| id), Some(2));
    }

    #[tokio::test]
    async fn a_flood_of_notifications_is_bounded_and_the_outcome_still_arrives() {
        let (sender, mut receiver) = channel(None, false);
        let flood = || Event::Notification {
            method: "x".into(),
            params: None,
        };
        assert!((0..MAX_WAITING).all(|_| sender.send(flood())));
        assert!(!sender.send(flood()));
        sender.send(Event::Outcome(argus_protocol::Answer::Result(Raw::empty_object())));
        drop(sender);
        let mut last = None;
        while let Some(event) = receiver.recv().await {
            last = Some(event);
        }
        assert!(matches!(last, Some(Event::Outcome(_))));
    }
}
