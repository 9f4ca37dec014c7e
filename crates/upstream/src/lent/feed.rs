//! What a lent link says outside its call: it is all the business of the call that has the link.

use std::sync::{Arc, Mutex, PoisonError};

use argus_protocol::{Id, Object, Raw, method};
use tokio::sync::mpsc;

use crate::{Event, FeedEvent, FeedSink};

/// So much may wait for the call to hear it.
const MAX_WAITING: usize = 64;

/// What a call hears beside its own answer.
pub(super) type Heard = mpsc::Receiver<Event>;

/// Hands what a link says to the call that has it; between two calls nobody hears it.
#[derive(Debug, Default)]
pub(super) struct LentFeed(Mutex<Option<mpsc::Sender<Event>>>);

impl LentFeed {
    /// A feed with its first call.
    pub(super) fn open() -> (Arc<Self>, Heard) {
        let feed = Arc::<Self>::default();
        let heard = feed.next_call();
        (feed, heard)
    }

    /// Another call hears it from now on.
    pub(super) fn next_call(&self) -> Heard {
        let (sender, heard) = mpsc::channel(MAX_WAITING);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        heard
    }

    /// The call is over.
    pub(super) fn end_call(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn say(&self, event: Event) {
        let call = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let unheard = match call {
            Some(call) => match call.try_send(event) {
                Ok(()) => return,
                Err(error) => error.into_inner(),
            },
            None => event,
        };
        if let Event::Ask(ask) = unheard {
            ask.reply.refuse("no call is there whose client could be asked");
        }
    }
}

impl FeedSink for LentFeed {
    fn deliver(&self, event: FeedEvent) {
        match event {
            FeedEvent::Ask(ask) => self.say(Event::Ask(ask)),
            FeedEvent::Notification { method, params } if method == method::LOG => {
                self.say(Event::Notification { method, params });
            }
            FeedEvent::Notification { method, params } if method == method::CANCELLED => {
                if let Some(id) = withdrawn(params.as_ref()) {
                    self.say(Event::AskWithdrawn(id));
                }
            }
            // List changes are announced by the catalogue's link, and nothing else is subscribed to here.
            FeedEvent::Notification { .. }
            | FeedEvent::Interrupted
            | FeedEvent::Resumed
            | FeedEvent::Ended
            | FeedEvent::Renewed => {}
        }
    }
}

fn withdrawn(params: Option<&Raw>) -> Option<Id> {
    let read = Object::parse(params?).ok()?;
    read.get("requestId").cloned().and_then(Id::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> FeedEvent {
        FeedEvent::Notification {
            method: method::LOG.into(),
            params: Some(Raw::string(text)),
        }
    }

    #[tokio::test]
    async fn each_call_hears_what_is_said_in_its_time() {
        let (feed, mut first) = LentFeed::open();
        feed.deliver(log("a"));
        feed.end_call();
        feed.deliver(log("b"));
        let mut second = feed.next_call();
        feed.deliver(log("c"));
        let mut said = Vec::new();
        for heard in [&mut first, &mut second] {
            while let Ok(Event::Notification { params, .. }) = heard.try_recv() {
                said.push(params.unwrap().as_str().to_owned());
            }
        }
        assert_eq!(said, ["\"a\"", "\"c\""]);
    }

    #[tokio::test]
    async fn what_waits_is_bounded() {
        let (feed, mut heard) = LentFeed::open();
        (0..MAX_WAITING * 2).for_each(|_| feed.deliver(log("x")));
        let mut waited = 0;
        while heard.try_recv().is_ok() {
            waited += 1;
        }
        assert_eq!(waited, MAX_WAITING);
    }
}
