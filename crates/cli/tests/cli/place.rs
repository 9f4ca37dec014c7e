//! An empty folder to run the program in, and what the program said there.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
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
        for variable in [
            "ARGUS_CONFIG",
            "ARGUS_ALLOWED_ORIGINS",
            "ARGUS_SERVER_URL",
            "ARGUS_MGMT_TOKEN",
        ] {
            command.env_remove(variable);
        }
        command.env("ARGUS_STATE_DIR", self.path("state"));
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::from(
            assert_cmd::Command::from_std(self.command(arguments))
                .timeout(Duration::from_secs(60))
                .output()
                .unwrap(),
        )
    }

    /// Starts the server with these further arguments and waits until it says where it listens.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Serving {
        self.serve_with(arguments, &[])
    }

    /// The same with these variables.
    pub(crate) fn serve_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Serving {
        let mut command = self.command(&["server"]);
        command.args(arguments).envs(variables.iter().copied());
        self.serving(command, "")
    }

    /// Starts the program as a server, to which something is said on standard input when that is a pipe.
    pub(crate) fn serving(&self, mut command: Command, input: &str) -> Serving {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).unwrap();
        }
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

    /// Asks the management API; gives the status and the body.
    pub(crate) fn manage(&self, method: &str, path: &str, token: &str) -> (u16, String) {
        let mut wire = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        wire.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head = format!(
            "{method} /manage/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\n\r\n"
        );
        wire.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        wire.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Waits for the end and gives it together with all that was said.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("the server does not end: {}", self.said),
                None => std::thread::park_timeout(Duration::from_millis(10)),
            }
        };
        self.stderr.read_to_string(&mut self.said).unwrap();
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
