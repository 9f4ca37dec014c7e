//! The task behind a [`crate::Child`]: it speaks with the guard and reaps it.

use std::future::pending;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::Child;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until, timeout};

use crate::exit::Exit;
use crate::guard::KILL_PATIENCE;
use crate::report::{Command, Report};

/// What a guard may take beyond its own patience before the gateway kills past it.
const GUARD_SLACK: Duration = Duration::from_secs(1);

/// One guard, and the socket to it.
#[derive(Debug)]
pub(crate) struct Tender {
    guard: Child,
    control: UnixStream,
    server: Pid,
}

impl Tender {
    pub(crate) fn new(guard: Child, control: UnixStream, server: i32) -> Self {
        Self {
            guard,
            control,
            server: Pid::from_raw(server),
        }
    }

    /// Passes commands on until the guard reports the end, then reaps the guard. When all senders of commands are gone,
    /// the server is killed.
    pub(crate) async fn tend(mut self, commands: UnboundedReceiver<Command>) -> Exit {
        match self.until_ended(commands).await {
            Some(exit) => {
                if timeout(GUARD_SLACK, self.guard.wait()).await.is_err() {
                    self.kill_guard().await;
                }
                exit
            }
            None => {
                // The guard was killed, or does not answer. Its own end kills the server; the rest of the group is ours.
                tracing::warn!(
                    server = self.server.as_raw(),
                    "the guard of a server is gone, killing the server's process group"
                );
                let _ = killpg(self.server, Signal::SIGKILL);
                self.kill_guard().await
            }
        }
    }

    /// How the server ended, or `None` when the guard did not tell.
    async fn until_ended(&mut self, mut commands: UnboundedReceiver<Command>) -> Option<Exit> {
        let mut bytes = Vec::with_capacity(Report::LEN);
        let mut owned = true;
        let mut give_up = None;
        loop {
            let command = tokio::select! {
                read = self.control.read_buf(&mut bytes) => match (read, bytes.first_chunk()) {
                    (Ok(1..), None) => continue,
                    (Ok(1..), Some(report)) => match Report::decode(*report) {
                        Some(Report::Ended(exit)) => return Some(exit),
                        _ => return None,
                    },
                    _ => return None,
                },
                command = commands.recv(), if owned => {
                    owned = command.is_some();
                    command.unwrap_or(Command::Kill)
                }
                () = until(give_up) => return None,
            };
            if command == Command::Kill {
                give_up = Some(Instant::now() + KILL_PATIENCE + GUARD_SLACK);
            }
            // A guard that no longer reads has closed its end, which the next read notices.
            let _ = self.control.write_all(&[command.encode()]).await;
        }
    }

    async fn kill_guard(&mut self) -> Exit {
        let _ = self.guard.start_kill();
        self.guard.wait().await.map_or(Exit::UNKNOWN, Exit::from)
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
