//! A running process and the calls on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use argus_runtime::{Spec, StderrRing};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::tasks::{self, LastWords};
use crate::duplex::{Conversation, Server};
use crate::{LinkError, process};

/// A process that speaks MCP on its stdin and stdout.
pub(crate) struct Connection {
    conversation: Conversation,
    stderr: StderrRing,
    gone: Arc<AtomicBool>,
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
        let (conversation, lines) = Conversation::new(server);
        let demux = conversation.demux();
        let ring = StderrRing::default();
        let stop = CancellationToken::new();
        let read_to_end = CancellationToken::new();
        let heard_out = CancellationToken::new();
        let gone = Arc::new(AtomicBool::new(false));
        let tasks = TaskTracker::new();
        tasks.spawn(tasks::write_lines(stdin, lines, Arc::clone(demux), stop.clone()));
        let at_end = read_to_end.clone().drop_guard();
        let reading = Arc::clone(demux);
        tasks.spawn(async move {
            tasks::read_lines(stdout, reading).await;
            drop(at_end);
        });
        let at_last_word = heard_out.clone().drop_guard();
        let (hearing, keep) = (Arc::clone(demux), ring.clone());
        tasks.spawn(async move {
            let server = &hearing.server;
            process::hear(stderr, "stderr", &server.backend, &server.redactor, &keep).await;
            drop(at_last_word);
        });
        tasks.spawn(tasks::tend(
            child,
            Arc::clone(demux),
            LastWords {
                stdout: read_to_end,
                stderr: heard_out,
                lines: ring.clone(),
            },
            Arc::clone(&gone),
            stop.clone(),
        ));
        tasks.close();
        Ok(Self {
            conversation,
            stderr: ring,
            gone,
            stop,
            tasks,
        })
    }

    pub(crate) fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.lines()
    }

    /// Whether the process has ended, with all it started.
    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    pub(crate) async fn close(&self) {
        self.conversation.end(LinkError::stopped());
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
            .field("backend", self.conversation.backend())
            .finish_non_exhaustive()
    }
}
