//! What is said on one connection, whatever carries it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use argus_protocol::{Id, Raw, method, write};
use futures::Stream;

use super::calls::{Kind, channel};
use super::demux::{Demux, Server};
use super::mailbox::Receiver;
use super::queue::{Outbound, Queued, queue};
use crate::link::{Events, failed};
use crate::{Event, LinkError, Outgoing};

/// The calls and notifications on one connection.
pub(crate) struct Conversation {
    demux: Arc<Demux>,
    next_id: AtomicU64,
}

impl Conversation {
    /// A conversation, and what it wants to have sent. What comes is to be given to [`Demux::take`].
    pub(crate) fn new(server: Server) -> (Self, Queued) {
        let (writer, queued) = queue();
        let conversation = Self {
            demux: Arc::new(Demux::new(server, writer)),
            next_id: AtomicU64::new(1),
        };
        (conversation, queued)
    }

    pub(crate) fn demux(&self) -> &Arc<Demux> {
        &self.demux
    }

    pub(crate) fn backend(&self) -> &Arc<str> {
        &self.demux.server.backend
    }

    /// Sends a request; the stream ends with its outcome, and dropping it before cancels the request.
    pub(crate) fn call(&self, request: Outgoing) -> Events {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        let id = Id::number(number);
        let (params, token) = match request.prepare(self.demux.server.era, &id) {
            Ok(prepared) => prepared,
            Err(error) => return failed(LinkError::Unsendable(error.to_string())),
        };
        let kind = Kind::of(&request);
        let (mut sender, events) = channel(token, kind);
        sender.augmented = request.augmented;
        sender.task = request.name.filter(|_| request.method == method::TASKS_RESULT);
        self.demux.calls().insert(number, sender);
        let outbound = Outbound {
            message: write::request(&id, &request.method, params.as_ref()),
            call: Some(number),
        };
        if let Err(cause) = self.ended().map_or_else(|| self.demux.writer.put(outbound), Err) {
            self.demux.calls().remove(number);
            return failed(cause);
        }
        Box::pin(OpenCall {
            demux: Arc::clone(&self.demux),
            number,
            cancellable: kind.is_cancellable(),
            events,
            over: false,
        })
    }

    pub(crate) fn notify(&self, method: &str, params: Option<&Raw>) {
        self.demux.write(write::notification(method, params));
    }

    /// The connection is over: everything in flight fails with the cause.
    pub(crate) fn end(&self, cause: LinkError) {
        self.demux.end(cause);
    }

    /// Whether it may be at work on a client's call, which has `limit`, and say nothing meanwhile.
    pub(crate) fn is_busy(&self, limit: Duration) -> bool {
        self.demux.calls().excuse_silence(limit)
    }

    pub(crate) fn ended(&self) -> Option<LinkError> {
        self.demux.ended.borrow().clone()
    }

    pub(crate) async fn wait_ended(&self) -> LinkError {
        let mut ended = self.demux.ended.subscribe();
        let cause = ended
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|cause| cause.clone());
        cause.unwrap_or_else(LinkError::stopped)
    }
}

/// The events of a call, which is cancelled at the backend when nobody waits for it any more.
struct OpenCall {
    demux: Arc<Demux>,
    number: u64,
    cancellable: bool,
    events: Receiver,
    /// Whether the outcome was handed over: then it is no longer among the calls in flight.
    over: bool,
}

impl Stream for OpenCall {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        let event = ready!(self.events.poll_next(cx));
        self.over = matches!(event, Some(Event::Outcome(_)) | None);
        Poll::Ready(event)
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        if !self.cancellable {
            self.demux.calls().remove(self.number);
        } else if self.demux.give_up(self.number).is_some() {
            self.demux.cancel(self.number, "the caller went away");
        }
    }
}

#[cfg(test)]
mod tests {
    use argus_protocol::Era;
    use futures::StreamExt;

    use super::*;
    use crate::redact::Redactor;
    use crate::{FeedEvent, FeedSink};

    struct Nobody;

    impl FeedSink for Nobody {
        fn deliver(&self, _: FeedEvent) {}
    }

    fn conversation() -> (Conversation, Queued) {
        Conversation::new(Server {
            backend: "b".into(),
            era: Era::Legacy,
            owned: true,
            process: None,
            log: Arc::default(),
            redactor: Redactor::default(),
            sink: Arc::new(Nobody),
        })
    }

    fn call(method: &'static str) -> Outgoing {
        Outgoing {
            own: false,
            ..Outgoing::own(method, None)
        }
    }

    async fn sent(queued: &mut Queued) -> String {
        let message = queued.take().await.unwrap().message;
        String::from_utf8(message.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_request_that_may_have_arrived_is_cancelled_and_remembered() {
        let (conversation, mut queued) = conversation();
        let mut first = conversation.call(call("tools/call"));
        let _second = conversation.call(call("tools/call"));
        sent(&mut queued).await;
        sent(&mut queued).await;
        conversation.demux().fail(1, LinkError::Closed("x".to_owned()));
        assert!(sent(&mut queued).await.contains(r#""requestId":1"#));
        assert!(matches!(
            first.next().await,
            Some(Event::Outcome(Err(LinkError::Closed(_))))
        ));
        drop(first);
        assert!(
            conversation.demux().calls().sole().is_none(),
            "a log may be the first one's"
        );
    }

    #[tokio::test]
    async fn a_request_that_was_refused_is_not_cancelled_and_initialize_never_is() {
        let (conversation, mut queued) = conversation();
        let _first = conversation.call(call("tools/call"));
        let _second = conversation.call(call("tools/call"));
        let _hello = conversation.call(call(method::INITIALIZE));
        let unreachable = LinkError::Unreachable {
            url: String::new(),
            cause: String::new(),
        };
        conversation.demux().fail(1, unreachable);
        assert!(
            conversation
                .demux()
                .calls()
                .culprit(true)
                .is_some_and(|(id, _)| id == 2)
        );
        conversation.demux().fail(3, LinkError::Closed("x".to_owned()));
        conversation.notify("last", None);
        for expected in ["tools/call", "tools/call", "initialize", "last"] {
            let message = sent(&mut queued).await;
            assert!(message.contains(expected), "{message}");
        }
    }

    #[tokio::test]
    async fn the_call_that_finds_the_session_lost_fails_when_the_connection_has_ended() {
        let (conversation, _queued) = conversation();
        let mut taken = conversation.call(call("tools/call"));
        let mut refused = conversation.call(call("tools/call"));
        conversation
            .demux()
            .lose(Some(2), LinkError::SessionLost("x".to_owned()));
        assert!(conversation.ended().is_some());
        assert!(matches!(
            taken.next().await,
            Some(Event::Outcome(Err(LinkError::Closed(_))))
        ));
        assert!(matches!(
            refused.next().await,
            Some(Event::Outcome(Err(LinkError::SessionLost(_))))
        ));
        let mut late = conversation.call(call("tools/call"));
        assert!(matches!(late.next().await, Some(Event::Outcome(Err(_)))));
        assert!(conversation.demux().calls().open.is_empty());
    }

    #[tokio::test]
    async fn only_a_call_whose_outcome_was_not_heard_is_cancelled() {
        let (conversation, mut queued) = conversation();
        let mut answered = conversation.call(call("tools/call"));
        let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        conversation.demux().take(answer.into());
        assert!(matches!(answered.next().await, Some(Event::Outcome(Ok(_)))));
        drop(answered);
        let unheard = conversation.call(call("tools/call"));
        conversation.demux().take(answer.replace('1', "2").into());
        drop(unheard);
        drop(conversation.call(call("tools/call")));
        drop(conversation.call(call(method::INITIALIZE)));
        conversation.notify("last", None);
        let expected = [
            r#""id":1"#,
            r#""id":2"#,
            r#""id":3"#,
            r#""requestId":3"#,
            "initialize",
            "last",
        ];
        for expected in expected {
            let message = sent(&mut queued).await;
            assert!(message.contains(expected), "{message}");
        }
        assert!(conversation.demux().calls().open.is_empty());
    }

    #[tokio::test]
    async fn questions_beyond_what_may_wait_are_refused() {
        let (conversation, mut queued) = conversation();
        let _call = conversation.call(call("tools/call"));
        sent(&mut queued).await;
        let text = "x".repeat(6 << 20);
        for id in 1..=4 {
            let ask = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"roots/list","params":{{"x":"{text}"}}}}"#);
            conversation.demux().take(ask.into());
        }
        let refused = sent(&mut queued).await;
        assert!(
            refused.contains(r#""id":4"#) && refused.contains("too slowly"),
            "{refused}"
        );
        assert!(conversation.demux().calls().answered(&Id::number(4)).is_none());
        assert!(conversation.demux().calls().answered(&Id::number(3)).is_some());
    }
}
