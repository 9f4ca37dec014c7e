//! Programs that run while something is measured, each stopped by its id.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::oneshot;

/// How long a program may take to start.
const START: Duration = Duration::from_secs(20);
/// How long a program may take to stop before it is killed.
const STOP: Duration = Duration::from_secs(15);

/// A program that runs. It is stopped when the value is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts a program; `hint` says what to do when it is not there.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(command: &mut Command, hint: &str) -> anyhow::Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .with_context(|| format!("{program} cannot be started; {hint}"))?;
        Ok(Self { child })
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// The processes that it started.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(crate) fn children(&self) -> anyhow::Result<Vec<Pid>> {
        let mut children = Vec::new();
        for task in std::fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            let text = std::fs::read_to_string(task?.path().join("children"))?;
            children.extend(
                text.split_whitespace()
                    .filter_map(|pid| pid.parse().ok())
                    .map(Pid::from_raw),
            );
        }
        Ok(children)
    }

    /// Waits until it writes a line that `find` finds something in, and reads on to the end, so that it never waits for
    /// its reader.
    ///
    /// # Errors
    /// When it ends or is silent for too long.
    pub(crate) async fn says<T: Send + 'static>(
        output: impl Read + Send + 'static,
        find: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let (found, finding) = oneshot::channel();
        std::thread::spawn(move || read_on(output, found, find));
        match tokio::time::timeout(START, finding).await {
            Ok(Ok(Ok(what))) => Ok(what),
            Ok(Ok(Err(said))) => bail!("it ended at once and said: {said}"),
            Ok(Err(_)) | Err(_) => bail!("it does not say where it listens"),
        }
    }

    /// Its standard output.
    pub(crate) fn stdout(&mut self) -> anyhow::Result<impl Read + Send + 'static> {
        self.child.stdout.take().context("its standard output is not there")
    }

    /// Its standard error.
    pub(crate) fn stderr(&mut self) -> anyhow::Result<impl Read + Send + 'static> {
        self.child.stderr.take().context("its standard error is not there")
    }

    fn ended_within(&mut self, limit: Duration) -> bool {
        let began = Instant::now();
        while began.elapsed() < limit {
            match self.child.try_wait() {
                Ok(None) => std::thread::park_timeout(Duration::from_millis(5)),
                Ok(Some(_)) | Err(_) => return true,
            }
        }
        false
    }
}

/// Tells what `find` finds, or all that was said when nothing was found; then reads on.
fn read_on<T>(output: impl Read, found: oneshot::Sender<Result<T, String>>, find: impl Fn(&str) -> Option<T>) {
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let mut said = Vec::new();
    for line in lines.by_ref() {
        if let Some(what) = find(&line) {
            // Whoever waited may have given up.
            drop(found.send(Ok(what)));
            lines.for_each(drop);
            return;
        }
        said.push(line);
    }
    drop(found.send(Err(said.join("\n"))));
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nobody to tell.
        let _ = kill(self.pid(), Signal::SIGTERM);
        if !self.ended_within(STOP) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn what_was_started_is_stopped() {
        let running = Running::start(Command::new("sleep").arg("60"), "").unwrap();
        let pid = running.pid();
        assert!(kill(pid, None).is_ok());
        drop(running);
        assert!(kill(pid, None).is_err());
    }

    #[tokio::test]
    async fn a_line_is_waited_for_and_an_early_end_is_told_of() {
        let say = async |text: &str| {
            let mut command = Command::new("printf");
            let mut running = Running::start(command.arg(text).stdout(Stdio::piped()), "").unwrap();
            Running::says(running.stdout().unwrap(), |line| {
                line.strip_prefix("port ").map(str::to_owned)
            })
            .await
        };
        assert_eq!(say("hello\nport 7\nmore\n").await.unwrap(), "7");
        assert!(say("no luck\n").await.unwrap_err().to_string().contains("no luck"));
    }
}
