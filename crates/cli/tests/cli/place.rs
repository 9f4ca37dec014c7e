//! An empty folder to run the program in, and what the program said there.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// An empty folder, and an environment in which nothing of this program is set.
pub(crate) struct Place(TempDir);

/// What a run of the program said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_argus-mcp"));
        command.args(arguments).current_dir(self.0.path()).stdin(Stdio::null());
        command.env_remove("ARGUS_CONFIG").env_remove("ARGUS_ALLOWED_ORIGINS");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::from(
            assert_cmd::Command::from_std(self.command(arguments))
                .timeout(Duration::from_secs(20))
                .output()
                .unwrap(),
        )
    }

    /// Starts the server with these further arguments and waits until it says where it listens.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Serving {
        let mut command = self.command(&["server"]);
        let mut child = command.args(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains(" listening on ") {
            assert!(stderr.read_line(&mut said).unwrap() > 0, "the server ended: {said}");
        }
        Serving { child, stderr, said }
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// A server that listens. It is killed when the test ends early.
pub(crate) struct Serving {
    child: Child,
    stderr: BufReader<std::process::ChildStderr>,
    said: String,
}

impl Serving {
    /// The line that says where the server listens.
    pub(crate) fn announcement(&self) -> &str {
        self.said.lines().find(|line| line.contains(" listening on ")).unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        let (address, _) = self.announcement().rsplit_once('/').unwrap();
        let (_, port) = address.rsplit_once(':').unwrap();
        port.parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Waits for the end and gives it together with all that was said.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("the server does not end: {}", self.said),
                None => std::thread::park_timeout(Duration::from_millis(10)),
            }
        };
        std::io::Read::read_to_string(&mut self.stderr, &mut self.said).unwrap();
        (status, std::mem::take(&mut self.said))
    }

    /// Stops the server as a supervisor does, and gives all that was said.
    pub(crate) fn stop(self) -> String {
        self.signal(Signal::SIGTERM);
        let (status, said) = self.end();
        assert_eq!(status.code(), Some(0), "{said}");
        said
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
