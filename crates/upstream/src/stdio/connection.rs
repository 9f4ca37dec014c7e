//! A running process and the calls on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use argus_runtime::{Spec, StderrRing};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::tasks::{self, LastWords};
use crate::duplex::{Conversation, Server};
use crate::processes::Processes;
use crate::tally::Volume;
use crate::{LinkError, logs};

/// A process that speaks MCP on its stdin and stdout.
pub(crate) struct Connection {
    conversation: Conversation,
    stderr: StderrRing,
    gone: Arc<AtomicBool>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Connection {
    /// Starts the process, whose bytes are counted in `volume`.
    pub(crate) async fn open(
        spec: &Spec,
        mut server: Server,
        processes: &Processes,
        volume: &Arc<Volume>,
    ) -> Result<Self, LinkError> {
        let mut child = argus_runtime::spawn(spec)
            .await
            .map_err(|error| LinkError::Spawn(error.to_string()))?;
        let counted = processes.count(child.id());
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.take_stdin(), child.take_stdout(), child.take_stderr())
        else {
            return Err(LinkError::Spawn("its standard streams are not there".to_owned()));
        };
        server.process = Some(child.id());
        let (conversation, lines) = Conversation::new(server);
        let demux = conversation.demux();
        let ring = StderrRing::default();
        let stop = CancellationToken::new();
        let read_to_end = CancellationToken::new();
        let heard_out = CancellationToken::new();
        let gone = Arc::new(AtomicBool::new(false));
        let tasks = TaskTracker::new();
        let writing = Arc::clone(volume);
        tasks.spawn(tasks::write_lines(
            stdin,
            lines,
            Arc::clone(demux),
            writing,
            stop.clone(),
        ));
        let at_end = read_to_end.clone().drop_guard();
        let (reading, heard) = (Arc::clone(demux), Arc::clone(volume));
        tasks.spawn(async move {
            tasks::read_lines(stdout, reading, &heard).await;
            drop(at_end);
        });
        let at_last_word = heard_out.clone().drop_guard();
        let (hearing, keep) = (Arc::clone(demux), ring.clone());
        tasks.spawn(async move {
            if let Some(mouth) = hearing.server.mouth() {
                logs::hear(stderr, "stderr", mouth, &keep).await;
            }
            drop(at_last_word);
        });
        let last = LastWords {
            stdout: read_to_end,
            stderr: heard_out,
            lines: ring.clone(),
        };
        let tending = tasks::tend(child, Arc::clone(demux), last, Arc::clone(&gone), stop.clone());
        tasks.spawn(async move {
            let _counted = counted;
            tending.await;
        });
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
