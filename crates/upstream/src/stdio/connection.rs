//! A running process and the calls on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argus_protocol::{Id, Raw, method, write};
use argus_runtime::{Spec, StderrRing};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::calls::channel;
use super::demux::{Demux, Server};
use super::queue::queue;
use super::tasks::{self, LastWords};
use crate::link::{Events, failed};
use crate::{Event, LinkError, Outgoing};

/// A process that speaks MCP on its stdin and stdout.
pub(crate) struct Connection {
    demux: Arc<Demux>,
    next_id: AtomicU64,
    stderr: StderrRing,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Connection {
    /// Starts the process.
    pub(crate) async fn open(spec: &Spec, server: Server) -> Result<Self, LinkError> {
        let mut child = argus_runtime::spawn(spec)
            .await
            .map_err(|error| LinkError::Spawn(error.to_string()))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.take_stdin(), child.take_stdout(), child.take_stderr())
        else {
            return Err(LinkError::Spawn("its standard streams are not there".to_owned()));
        };
        let (writer, lines) = queue();
        let demux = Arc::new(Demux::new(server, writer));
        let ring = StderrRing::default();
        let stop = CancellationToken::new();
        let read_to_end = CancellationToken::new();
        let heard_out = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(tasks::write_lines(stdin, lines, Arc::clone(&demux), stop.clone()));
        let at_end = read_to_end.clone().drop_guard();
        let reading = Arc::clone(&demux);
        tasks.spawn(async move {
            tasks::read_lines(stdout, reading).await;
            drop(at_end);
        });
        let at_last_word = heard_out.clone().drop_guard();
        let (hearing, keep) = (Arc::clone(&demux), ring.clone());
        tasks.spawn(async move {
            tasks::hear(stderr, &hearing, &keep).await;
            drop(at_last_word);
        });
        tasks.spawn(tasks::tend(
            child,
            Arc::clone(&demux),
            LastWords {
                stdout: read_to_end,
                stderr: heard_out,
                lines: ring.clone(),
            },
            stop.clone(),
        ));
        tasks.close();
        Ok(Self {
            demux,
            next_id: AtomicU64::new(1),
            stderr: ring,
            stop,
            tasks,
        })
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
        let sent = self.ended().map_or_else(|| self.demux.writer.put(&message), Err);
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
        self.demux.write(&write::notification(method, params));
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
        cause.unwrap_or_else(|| LinkError::Closed("the backend was stopped".to_owned()))
    }

    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.lines()
    }

    pub(crate) async fn close(&self) {
        self.demux.end(LinkError::Closed("the backend was stopped".to_owned()));
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("stdio::Connection")
            .field("backend", &self.demux.server.backend)
            .finish_non_exhaustive()
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
            self.demux.write(&write::notification(method::CANCELLED, Some(&params)));
        }
    }
}
