//! What is said on one connection, whatever carries it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argus_protocol::{Id, Raw, method, write};

use super::calls::channel;
use super::demux::{Demux, Server};
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
        let (sender, mut receiver) = channel(token, request.method == method::LISTEN);
        self.demux.calls().open.insert(number, sender);
        let mut open = OpenCall {
            demux: Arc::clone(&self.demux),
            number,
            // `initialize` must not be cancelled (MCP "Cancellation").
            cancellable: request.method != method::INITIALIZE,
        };
        let message = write::request(&id, &request.method, params.as_ref());
        let outbound = Outbound {
            message,
            call: Some(number),
        };
        let sent = self.ended().map_or_else(|| self.demux.writer.put(outbound), Err);
        Box::pin(async_stream::stream! {
            if let Err(cause) = sent {
                open.settled();
                yield Event::Outcome(Err(cause));
                return;
            }
            while let Some(event) = receiver.recv().await {
                let last = matches!(event, Event::Outcome(_));
                if last {
                    open.settled();
                }
                yield event;
                if last {
                    return;
                }
            }
        })
    }

    pub(crate) fn notify(&self, method: &str, params: Option<&Raw>) {
        self.demux.write(write::notification(method, params));
    }

    /// The connection is over: everything in flight fails with the cause.
    pub(crate) fn end(&self, cause: LinkError) {
        self.demux.end(cause);
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

/// A call that is cancelled at the backend when nobody waits for it any more.
struct OpenCall {
    demux: Arc<Demux>,
    number: u64,
    cancellable: bool,
}

impl OpenCall {
    /// Nothing is left to cancel.
    fn settled(&mut self) {
        self.cancellable = false;
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if !self.cancellable {
            self.demux.calls().remove(self.number);
        } else if self.demux.calls().give_up(self.number) {
            let params =
                Raw::from_value(&serde_json::json!({"requestId": self.number, "reason": "the caller went away"}));
            self.demux.write(write::notification(method::CANCELLED, Some(&params)));
        }
    }
}
