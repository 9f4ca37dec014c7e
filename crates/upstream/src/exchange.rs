//! What a call answers with: notifications, asks and one outcome.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use argus_protocol::{Answer, ByteString, Id, Raw, RpcError, code, method};
use futures::Stream;
use futures::task::AtomicWaker;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, Sleep};

use crate::LinkError;

/// How a call ends: the backend's own answer, or why there is none.
pub type Outcome = Result<Answer, LinkError>;

/// One thing a backend says within a call; `T` is how the call ends.
#[derive(Debug)]
pub enum Event<T = Outcome> {
    /// Progress, a log message, or any other notification that belongs to the call.
    Notification {
        /// The method.
        method: ByteString,
        /// The parameters, as the backend wrote them (the progress token is the caller's again).
        params: Option<Raw>,
    },
    /// The backend asks something of the client.
    Ask(Ask),
    /// The backend no longer wants the answer to the ask with this id.
    AskWithdrawn(Id),
    /// The end: a result (`input_required` included), an error, or the failure of the link. Nothing follows.
    Outcome(T),
}

/// The other end of an ask.
pub trait AskPeer: Send + Sync {
    /// Sends the answer; must not block.
    fn answer(&self, id: &Id, answer: &Answer);
    /// Sends a notification about the ask (progress); must not block.
    fn notify(&self, method: &str, params: Option<&Raw>);
}

/// A request of the backend to the client: sampling, elicitation, roots or one unknown here.
#[derive(Debug)]
pub struct Ask {
    /// The method.
    pub method: ByteString,
    /// The parameters.
    pub params: Option<Raw>,
    /// The way to answer.
    pub reply: AskReply,
}

/// The way to answer an [`Ask`]. Dropped unanswered, it refuses the ask, so that no backend waits for ever.
pub struct AskReply {
    id: Id,
    peer: Arc<dyn AskPeer>,
    open: Option<Arc<OpenAsks>>,
    answered: bool,
}

impl AskReply {
    /// The way to answer the ask with this id.
    #[must_use]
    pub fn new(id: Id, peer: Arc<dyn AskPeer>) -> Self {
        Self {
            // It may be with the client for long.
            id: id.detached(),
            peer,
            open: None,
            answered: false,
        }
    }

    /// The backend's id of the ask.
    #[must_use]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Answers.
    pub fn answer(mut self, answer: &Answer) {
        self.answered = true;
        self.peer.answer(&self.id, answer);
    }

    /// Answers that the client does not offer the method.
    pub fn refuse(self, reason: &str) {
        let error = RpcError::new(code::METHOD_NOT_FOUND, reason);
        self.answer(&Answer::Error(error.to_raw()));
    }

    /// Passes on a notification of the client about this ask.
    pub fn notify(&self, method: &str, params: Option<&Raw>) {
        self.peer.notify(method, params);
    }
}

impl Drop for AskReply {
    fn drop(&mut self) {
        if !self.answered {
            let error = RpcError::new(code::INTERNAL_ERROR, "the client went away without an answer");
            self.peer.answer(&self.id, &Answer::Error(error.to_raw()));
        }
        if let Some(open) = self.open.take() {
            open.close_one();
        }
    }
}

impl fmt::Debug for AskReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AskReply").field(&self.id).finish()
    }
}

/// How many asks of an exchange are with the client; its clock stands while there are any.
#[derive(Default)]
struct OpenAsks {
    count: AtomicUsize,
    waker: AtomicWaker,
}

impl OpenAsks {
    fn close_one(&self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
        self.waker.wake();
    }
}

/// The answer to a call, as a stream that ends with one [`Event::Outcome`].
///
/// It fails by itself when the backend is silent for longer than the limit; progress starts the clock anew and an open
/// ask stops it; without a limit there is no clock. Dropping it before its outcome cancels the call at the backend.
pub struct Exchange {
    source: Pin<Box<dyn Stream<Item = Event> + Send>>,
    limit: Option<Duration>,
    clock: Option<Pin<Box<Sleep>>>,
    open: Option<Arc<OpenAsks>>,
    doubt: Option<Arc<Notify>>,
    ended: bool,
}

impl Exchange {
    pub(crate) fn new(limit: Option<Duration>, source: Pin<Box<dyn Stream<Item = Event> + Send>>) -> Self {
        Self {
            source,
            limit,
            clock: None,
            open: None,
            doubt: None,
            ended: false,
        }
    }

    /// Tells somebody when the backend is silent for longer than the limit.
    pub(crate) fn doubting(mut self, doubt: Option<&Arc<Notify>>) -> Self {
        self.doubt = doubt.cloned();
        self
    }

    /// Adds what the backend says beside its answer, on a link that this call has for itself.
    pub(crate) fn beside(mut self, mut heard: mpsc::Receiver<Event>) -> Self {
        let mut answer = std::mem::replace(&mut self.source, Box::pin(futures::stream::empty()));
        self.source = Box::pin(futures::stream::poll_fn(move |cx| match heard.poll_recv(cx) {
            Poll::Ready(Some(event)) => Poll::Ready(Some(event)),
            Poll::Ready(None) | Poll::Pending => answer.as_mut().poll_next(cx),
        }));
        self
    }

    /// The next event; `None` once the outcome was handed over.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| self.poll_event(cx)).await
    }

    /// Waits for the outcome; asks are refused and notifications dropped.
    pub async fn outcome(mut self) -> Outcome {
        loop {
            match self.next().await {
                Some(Event::Outcome(outcome)) => return outcome,
                Some(Event::Ask(ask)) => ask.reply.refuse("nobody is there to be asked"),
                Some(Event::Notification { .. } | Event::AskWithdrawn(_)) => {}
                None => return Err(broken()),
            }
        }
    }

    /// Polls for the next event; `None` once the outcome was handed over.
    pub fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match self.source.as_mut().poll_next(cx) {
            Poll::Ready(Some(event)) => Poll::Ready(Some(self.seen(event))),
            Poll::Ready(None) => {
                self.ended = true;
                Poll::Ready(Some(Event::Outcome(Err(broken()))))
            }
            Poll::Pending => self.poll_clock(cx),
        }
    }

    fn seen(&mut self, mut event: Event) -> Event {
        match &mut event {
            Event::Outcome(_) => self.ended = true,
            Event::Notification { method, .. } if method == method::PROGRESS => self.clock = None,
            Event::Ask(ask) => {
                let open = self.open.get_or_insert_default();
                open.count.fetch_add(1, Ordering::AcqRel);
                ask.reply.open = Some(Arc::clone(open));
                self.clock = None;
            }
            _ => {}
        }
        event
    }

    fn poll_clock(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(open) = &self.open {
            open.waker.register(cx.waker());
            if open.count.load(Ordering::Acquire) > 0 {
                self.clock = None;
                return Poll::Pending;
            }
        }
        let Some(limit) = self.limit else { return Poll::Pending };
        let clock = self
            .clock
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
        if clock.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.ended = true;
        self.source = Box::pin(futures::stream::empty());
        if let Some(doubt) = &self.doubt {
            doubt.notify_one();
        }
        Poll::Ready(Some(Event::Outcome(Err(LinkError::TooLate { after: limit }))))
    }
}

fn broken() -> LinkError {
    LinkError::Closed("it ended the call without an answer".to_owned())
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::channel::mpsc as unbounded;

    use super::*;

    #[derive(Default)]
    struct Peer(Mutex<Vec<String>>);

    impl AskPeer for Peer {
        fn answer(&self, _: &Id, answer: &Answer) {
            let text = match answer {
                Answer::Result(raw) => raw.as_str().to_owned(),
                Answer::Error(raw) => argus_protocol::error::message_of(raw).unwrap(),
            };
            self.0.lock().unwrap().push(text);
        }
        fn notify(&self, _: &str, _: Option<&Raw>) {}
    }

    fn exchange() -> (unbounded::UnboundedSender<Event>, Exchange) {
        let (events, source) = unbounded::unbounded();
        (events, Exchange::new(Some(Duration::from_secs(10)), Box::pin(source)))
    }

    fn progress() -> Event {
        Event::Notification {
            method: method::PROGRESS.into(),
            params: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_in_a_timeout() {
        let (_events, mut exchange) = exchange();
        let started = Instant::now();
        assert!(matches!(
            exchange.next().await,
            Some(Event::Outcome(Err(LinkError::TooLate { .. })))
        ));
        assert_eq!(started.elapsed().as_secs(), 10);
        assert!(exchange.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn progress_starts_the_clock_anew() {
        let (events, mut exchange) = exchange();
        let started = Instant::now();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(8)).await;
            events.unbounded_send(progress()).unwrap();
            tokio::time::sleep(Duration::from_secs(60)).await;
        });
        assert!(matches!(exchange.next().await, Some(Event::Notification { .. })));
        assert!(matches!(exchange.next().await, Some(Event::Outcome(_))));
        assert_eq!(started.elapsed().as_secs(), 18);
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_stands_while_a_question_is_with_the_client() {
        let (events, mut exchange) = exchange();
        let peer = Arc::new(Peer::default());
        let reply = AskReply::new(Id::number(1), Arc::<Peer>::clone(&peer) as Arc<dyn AskPeer>);
        events
            .unbounded_send(Event::Ask(Ask {
                method: "x".into(),
                params: None,
                reply,
            }))
            .unwrap();
        let Some(Event::Ask(ask)) = exchange.next().await else {
            panic!("no ask")
        };
        let started = Instant::now();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(100)).await;
            ask.reply.answer(&Answer::Result(Raw::string("yes")));
        });
        assert!(matches!(exchange.next().await, Some(Event::Outcome(_))));
        assert_eq!(started.elapsed().as_secs(), 110);
        assert_eq!(*peer.0.lock().unwrap(), ["\"yes\""]);
    }

    #[tokio::test]
    async fn an_ask_that_is_dropped_is_refused() {
        let peer = Arc::new(Peer::default());
        drop(AskReply::new(
            Id::number(1),
            Arc::<Peer>::clone(&peer) as Arc<dyn AskPeer>,
        ));
        assert_eq!(*peer.0.lock().unwrap(), ["the client went away without an answer"]);
    }
}
