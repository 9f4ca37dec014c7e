//! What a call was told and has not taken yet.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::{Ask, Event};

/// Notifications and questions of so many bytes may wait for a slow client in one call; more are dropped or refused, so
/// that it cannot fill the memory.
const MAX_WAITING: usize = 16 << 20;
/// What an event costs besides its parameters, about.
const OVERHEAD: usize = 128;

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

/// The sending half. The receiver ends when it is dropped.
#[derive(Debug)]
pub(super) struct Sender(Arc<Mailbox>);

/// The receiving half.
#[derive(Debug)]
pub(super) struct Receiver(Arc<Mailbox>);

pub(super) fn mailbox() -> (Sender, Receiver) {
    let mailbox = Arc::new(Mailbox::default());
    (Sender(Arc::clone(&mailbox)), Receiver(mailbox))
}

/// Locked for moments by the two halves only. Nothing is dropped or woken while it is: a question that is dropped
/// answers.
#[derive(Debug, Default)]
struct Mailbox(Mutex<Inside>);

#[derive(Debug, Default)]
struct Inside {
    /// What comes before the outcome.
    events: VecDeque<Event>,
    /// The bytes of `events`.
    bytes: usize,
    /// Apart, because most calls are told nothing else.
    outcome: Option<Event>,
    receiver: Option<Waker>,
    sender_gone: bool,
    receiver_gone: bool,
}

impl Mailbox {
    fn open(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    /// Hands an event over.
    pub(super) fn send(&self, event: Event) -> Sent {
        let mut inside = self.0.open();
        if inside.receiver_gone {
            return Sent::Gone(event);
        }
        let size = size_of(&event);
        match event {
            Event::Outcome(_) => inside.outcome = Some(event),
            Event::Notification { .. } | Event::Ask(_) if inside.bytes >= MAX_WAITING => return Sent::TooSlow(event),
            _ => {
                inside.bytes += size;
                inside.events.push_back(event);
            }
        }
        wake(inside);
        Sent::Done
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let mut inside = self.0.open();
        inside.sender_gone = true;
        wake(inside);
    }
}

impl Receiver {
    /// Polls for the next event; `None` when none can come any more.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut inside = self.0.open();
        if let Some(event) = inside.events.pop_front() {
            inside.bytes -= size_of(&event);
            return Poll::Ready(Some(event));
        }
        if inside.outcome.is_some() || inside.sender_gone {
            return Poll::Ready(inside.outcome.take());
        }
        let known = inside
            .receiver
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()));
        let before = (!known).then(|| inside.receiver.replace(cx.waker().clone()));
        drop(inside);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let mut inside = self.0.open();
        inside.receiver_gone = true;
        let left = (std::mem::take(&mut inside.events), inside.outcome.take());
        drop(inside);
        drop(left);
    }
}

/// Wakes the receiver, if it waits.
fn wake(mut inside: MutexGuard<'_, Inside>) {
    let receiver = inside.receiver.take();
    drop(inside);
    if let Some(receiver) = receiver {
        receiver.wake();
    }
}

fn size_of(event: &Event) -> usize {
    let (Event::Notification { params, .. } | Event::Ask(Ask { params, .. })) = event else {
        return OVERHEAD;
    };
    OVERHEAD + params.as_ref().map_or(0, |raw| raw.as_str().len())
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Waker;

    use argus_protocol::{Answer, Raw};

    use super::*;

    fn note(text: &str) -> Event {
        Event::Notification {
            method: text.into(),
            params: Some(Raw::string(text)),
        }
    }

    fn outcome() -> Event {
        Event::Outcome(Ok(Answer::Result(Raw::empty_object())))
    }

    fn ready(receiver: &Receiver) -> Poll<Option<Event>> {
        receiver.poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn the_outcome_comes_after_all_that_was_said_before_it() {
        let (sender, receiver) = mailbox();
        assert!(ready(&receiver).is_pending());
        for event in [note("a"), note("b"), outcome()] {
            assert!(matches!(sender.send(event), Sent::Done));
        }
        drop(sender);
        for name in ["a", "b"] {
            assert!(
                matches!(ready(&receiver), Poll::Ready(Some(Event::Notification { method, .. })) if method == name)
            );
        }
        assert!(matches!(ready(&receiver), Poll::Ready(Some(Event::Outcome(_)))));
        assert!(matches!(ready(&receiver), Poll::Ready(None)));
    }

    #[tokio::test]
    async fn whoever_waits_is_woken_by_each_event_and_by_the_end() {
        let (sender, receiver) = mailbox();
        let waiting = tokio::spawn(async move {
            let mut seen = 0;
            while poll_fn(|cx| receiver.poll_next(cx)).await.is_some() {
                seen += 1;
            }
            seen
        });
        for _ in 0..3 {
            tokio::task::yield_now().await;
            assert!(matches!(sender.send(note("a")), Sent::Done));
        }
        tokio::task::yield_now().await;
        drop(sender);
        assert_eq!(waiting.await.unwrap(), 3);
    }

    #[test]
    fn what_waits_is_bounded_and_the_outcome_still_arrives() {
        let (sender, receiver) = mailbox();
        let text = "x".repeat(1 << 20);
        assert!((0..15).all(|_| matches!(sender.send(note(&text)), Sent::Done)));
        assert!((0..3).any(|_| matches!(sender.send(note(&text)), Sent::TooSlow(_))));
        assert!(matches!(ready(&receiver), Poll::Ready(Some(_))));
        assert!(matches!(sender.send(outcome()), Sent::Done));
        let mut last = None;
        while let Poll::Ready(Some(event)) = ready(&receiver) {
            last = Some(event);
        }
        assert!(matches!(last, Some(Event::Outcome(_))));
        drop(receiver);
        assert!(matches!(sender.send(note("a")), Sent::Gone(_)));
    }
}
