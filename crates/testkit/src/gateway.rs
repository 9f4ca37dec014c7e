//! The gateway as a process, for one test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use it, and a test may fail at any place"
)]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// How to start a gateway.
#[derive(Debug)]
pub struct Launch {
    program: String,
    arguments: Vec<String>,
    env: Vec<(String, String)>,
    folder: TempDir,
}

impl Launch {
    /// A gateway in an empty folder, with no state from before.
    #[must_use]
    pub fn new(program: &str) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            env: Vec::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it with this configuration and waits until it says where it listens.
    #[must_use]
    pub fn start(self, config: &Value) -> Gateway {
        let path = self.folder.path().join("config.yaml");
        // YAML is a superset of JSON.
        std::fs::write(&path, config.to_string()).unwrap();
        let began = Instant::now();
        let mut process = Command::new(&self.program)
            .args(["server", "--port", "0", "--log-dir", "none", "--config"])
            .arg(&path)
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .env("ARGUS_STATE_DIR", self.folder.path().join("state"))
            .env_remove("ARGUS_ALLOWED_ORIGINS")
            .envs(self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = Said::read(process.stderr.take().unwrap());
        let announced = said.wait_for(" listening on http://127.0.0.1:");
        let port = announced
            .lines()
            .find_map(|line| line.split_once(" listening on http://127.0.0.1:"))
            .and_then(|(_, rest)| rest.strip_suffix("/mcp"))
            .and_then(|port| port.parse().ok())
            .unwrap_or_else(|| panic!("the gateway does not say where it listens: {announced}"));
        drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
        Gateway {
            process,
            port,
            said,
            took: began.elapsed(),
            folder: self.folder,
        }
    }
}

/// A gateway that runs. It is killed when the value is dropped.
#[derive(Debug)]
pub struct Gateway {
    process: Child,
    port: u16,
    said: Arc<Said>,
    took: Duration,
    folder: TempDir,
}

impl Gateway {
    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// From its start to the first connection.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// What it said on stderr so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.text.lock().unwrap().0.clone()
    }

    /// Waits until it says this on stderr, and gives all that it said.
    pub fn says(&self, text: &str) -> String {
        self.said.wait_for(text)
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().cast_signed()), signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            match self.process.try_wait().unwrap() {
                Some(status) => return status,
                None if began.elapsed() > limit => panic!("the gateway does not end:\n{}", self.said()),
                None => std::thread::park_timeout(Duration::from_millis(5)),
            }
        }
    }

    /// Stops it as a supervisor does: it must end well.
    pub fn stop(mut self) {
        self.signal(Signal::SIGTERM);
        let status = self.wait(Duration::from_secs(20));
        assert_eq!(status.code(), Some(0), "{}", self.said());
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
        if std::thread::panicking() {
            eprint_tail(&self.said());
        }
    }
}

/// Shows the end of what the gateway said, for whoever looks at a failed test.
#[allow(clippy::print_stderr, reason = "this is what a failed test says")]
fn eprint_tail(said: &str) {
    let lines: Vec<&str> = said.lines().collect();
    eprintln!(
        "the gateway said:\n{}",
        lines[lines.len().saturating_sub(40)..].join("\n")
    );
}

/// What a process writes, read as it comes.
#[derive(Debug, Default)]
struct Said {
    /// The text, and whether it is all.
    text: Mutex<(String, bool)>,
    more: Condvar,
}

impl Said {
    fn read(stderr: std::process::ChildStderr) -> Arc<Self> {
        let said = Arc::new(Self::default());
        let kept = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stderr);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                kept.text.lock().unwrap().0.push_str(&String::from_utf8_lossy(&line));
                kept.more.notify_all();
                line.clear();
            }
            kept.text.lock().unwrap().1 = true;
            kept.more.notify_all();
        });
        said
    }

    fn wait_for(&self, text: &str) -> String {
        let waiting = |(said, all): &mut (String, bool)| !said.contains(text) && !*all;
        let guard = self.text.lock().unwrap();
        let (guard, _) = self
            .more
            .wait_timeout_while(guard, Duration::from_secs(60), waiting)
            .unwrap();
        assert!(guard.0.contains(text), "the gateway does not say {text:?}: {}", guard.0);
        guard.0.clone()
    }
}
