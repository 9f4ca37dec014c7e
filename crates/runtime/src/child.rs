//! A running server, as its owner sees it.

use std::time::Duration;

use tokio::net::UnixStream;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::exit::Exit;
use crate::report::Command;
use crate::spec::StopTimes;
use crate::tend::Tender;

/// A running server and its guard.
///
/// Dropping it kills the server and everything it started, in the background. Whether it is dropped, stopped or
/// forgotten, no zombie stays: a task of the runtime reaps the guard, and the guard reaps the rest.
#[derive(Debug)]
pub struct Child {
    server: u32,
    guard: u32,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    stop: StopTimes,
    commands: UnboundedSender<Command>,
    tending: JoinHandle<Exit>,
    exit: Option<Exit>,
}

impl Child {
    pub(crate) fn new(mut guard: tokio::process::Child, control: UnixStream, server: i32, stop: StopTimes) -> Self {
        let (commands, receiver) = unbounded_channel();
        Self {
            server: server.unsigned_abs(),
            guard: guard.id().unwrap_or_default(),
            stdin: guard.stdin.take(),
            stdout: guard.stdout.take(),
            stderr: guard.stderr.take(),
            stop,
            commands,
            tending: tokio::spawn(Tender::new(guard, control, server).tend(receiver)),
            exit: None,
        }
    }

    /// The process id of the server itself, which is also the id of its process group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.server
    }

    /// The process id of the guard, the server's parent.
    #[must_use]
    pub fn guard_id(&self) -> u32 {
        self.guard
    }

    /// The server's stdin, the first time. Dropping it is the end of input for the server.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// The server's stdout, the first time.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// The server's stderr, the first time.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.stderr.take()
    }

    /// Waits until the server has ended and everything it started is gone. What is left when the server exits by
    /// itself gets SIGTERM and half a second later SIGKILL. May be called again, and dropped before it is done.
    pub async fn wait(&mut self) -> Exit {
        if let Some(exit) = self.exit {
            return exit;
        }
        let exit = (&mut self.tending).await.unwrap_or(Exit::UNKNOWN);
        self.exit = Some(exit);
        exit
    }

    /// Ends the server in order: end of input, then SIGTERM to its group, then SIGKILL to everything it started, with
    /// the spec's times in between.
    ///
    /// Whoever took stdin must have dropped it, or the server learns of its end only by SIGTERM. Returns at most some
    /// three seconds after the SIGKILL, whatever happens. Dropping the future kills at once.
    pub async fn stop(mut self) -> Exit {
        drop(self.stdin.take());
        if let Some(exit) = self.wait_for(self.stop.after_eof).await {
            return exit;
        }
        self.command(Command::Terminate);
        if let Some(exit) = self.wait_for(self.stop.after_term).await {
            return exit;
        }
        self.command(Command::Kill);
        self.wait().await
    }

    async fn wait_for(&mut self, patience: Duration) -> Option<Exit> {
        timeout(patience, self.wait()).await.ok()
    }

    /// Passes a command on. Nobody receives it once the server is gone, and then it is not needed.
    fn command(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}
