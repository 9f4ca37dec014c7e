//! The process that serves the url of a backend, if the gateway starts it: one for all connections.

use std::sync::Arc;
use std::time::Duration;

use argus_config::{Backend, Transport};
use argus_runtime::{Child, GuardProgram, Spec, StderrRing, StopTimes};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::logs::{self, Log, Mouth};
use crate::processes::Processes;
use crate::redact::Redactor;
use crate::{LinkError, Tally, process};

/// How long an ended process's last words are waited for.
const LAST_WORDS: Duration = Duration::from_millis(450);
/// How long after the end of a connection its process may end for that to be the cause; last words included. It is
/// nearly always known at once, but on a busy machine it takes its guard a while to tell.
const ITS_END: Duration = Duration::from_millis(900);
/// It serves a url, so the end of its standard input tells it nothing.
const STOP: StopTimes = StopTimes {
    after_eof: Duration::ZERO,
    after_term: Duration::from_secs(3),
};

/// A process that is started when first needed, and again when it has ended.
#[derive(Debug)]
pub(crate) struct LocalProcess {
    backend: Arc<str>,
    spec: Spec,
    log: Arc<Log>,
    redactor: Arc<Redactor>,
    /// How long it may take until its url answers.
    startup: Duration,
    tally: Arc<Tally>,
    processes: Processes,
    current: Mutex<Option<Running>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// A process that was started.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    /// When its url has to answer.
    pub(super) answers_by: Instant,
    /// How long that was from its start.
    pub(super) startup: Duration,
    pub(super) stderr: StderrRing,
    ended: watch::Receiver<Option<LinkError>>,
}

impl LocalProcess {
    /// The process of a backend, if it has one behind a url. Nothing is started.
    pub(crate) fn of(
        backend: &Backend,
        name: &Arc<str>,
        guard: &GuardProgram,
        log: &Arc<Log>,
        (processes, tally): (&Processes, &Arc<Tally>),
    ) -> Option<Self> {
        let Transport::Sse(sse) = &backend.transport else {
            return None;
        };
        Some(Self {
            backend: Arc::clone(name),
            spec: process::spec(sse.process.as_ref()?, guard, STOP),
            log: Arc::clone(log),
            redactor: Arc::new(Redactor::new(backend)),
            startup: backend.timeouts.sse_startup,
            tally: Arc::clone(tally),
            processes: processes.clone(),
            current: Mutex::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        })
    }

    /// The running process; it is started if none runs. Whoever comes meanwhile waits for the same start.
    ///
    /// # Errors
    /// When it cannot be started, or was stopped for good.
    pub(crate) async fn running(&self) -> Result<Running, LinkError> {
        let mut current = self.current.lock().await;
        if let Some(running) = current.as_ref().filter(|running| running.ended.borrow().is_none()) {
            return Ok(running.clone());
        }
        if self.stop.is_cancelled() {
            return Err(LinkError::stopped());
        }
        let child = argus_runtime::spawn(&self.spec)
            .await
            .map_err(|error| LinkError::Spawn(error.to_string()))?;
        self.tally.started();
        let running = self.tend(child);
        *current = Some(running.clone());
        Ok(running)
    }

    /// Stops the process for good, bounded in time.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Reads what the process says, and notes how it ended.
    fn tend(&self, mut child: Child) -> Running {
        let (ended, how) = watch::channel(None);
        let stderr = StderrRing::default();
        let heard = TaskTracker::new();
        let pid = child.id();
        if let Some(said) = child.take_stdout() {
            self.hear(&heard, said, "stdout", pid, &stderr);
        }
        if let Some(said) = child.take_stderr() {
            self.hear(&heard, said, "stderr", pid, &stderr);
        }
        heard.close();
        let (stop, keep) = (self.stop.clone(), stderr.clone());
        let counted = self.processes.count(child.id());
        self.tasks.spawn(async move {
            let exit = stop.run_until_cancelled(child.wait()).await;
            let cause = match exit {
                Some(exit) => {
                    let _ = tokio::time::timeout(LAST_WORDS, heard.wait()).await;
                    process::ended(&exit, &keep)
                }
                None => {
                    child.stop().await;
                    LinkError::stopped()
                }
            };
            drop(counted);
            // Nobody may be left to be told.
            let _ = ended.send(Some(cause));
        });
        Running {
            answers_by: Instant::now() + self.startup,
            startup: self.startup,
            stderr,
            ended: how,
        }
    }

    fn hear<R: tokio::io::AsyncRead + Unpin + Send + 'static>(
        &self,
        heard: &TaskTracker,
        said: R,
        stream: &'static str,
        pid: u32,
        keep: &StderrRing,
    ) {
        let (backend, redactor) = (Arc::clone(&self.backend), Arc::clone(&self.redactor));
        let (log, keep) = (Arc::clone(&self.log), keep.clone());
        heard.spawn(async move {
            let mouth = Mouth {
                backend: &backend,
                pid,
                redactor: &redactor,
                log: &log,
            };
            logs::hear(said, stream, mouth, &keep).await;
        });
    }
}

impl Drop for LocalProcess {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Running {
    /// Waits for the end of the process and says how it ended.
    pub(super) async fn wait_ended(&self) -> LinkError {
        let mut ended = self.ended.clone();
        let cause = ended
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|cause| cause.clone());
        cause.unwrap_or_else(LinkError::stopped)
    }

    /// The better cause for the end of a connection: how the process ended, if it ends now.
    pub(super) async fn or_its_end(&self, cause: LinkError) -> LinkError {
        tokio::time::timeout(ITS_END, self.wait_ended()).await.unwrap_or(cause)
    }
}
