//! A client over stdio that shows every byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use it, and a test may fail at any place"
)]

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::part;

const MODERN: &str = "2026-07-28";
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A program that serves MCP on its stdin and stdout, and the client that started it. Dropped, it is killed.
#[derive(Debug)]
pub struct StdioClient {
    process: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    stderr: JoinHandle<String>,
    /// Messages that came while another one was waited for.
    kept: VecDeque<String>,
    state: TempDir,
}

impl StdioClient {
    /// Starts a program with no state from before. It says nothing yet.
    #[must_use]
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let state = tempfile::tempdir().unwrap();
        let mut process = Command::new(program)
            .args(arguments)
            .current_dir(state.path())
            .env("ARGUS_STATE_DIR", state.path().join("state"))
            .env_remove("ARGUS_CONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdin = process.stdin.take();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut errors = process.stderr.take().unwrap();
        let stderr = tokio::spawn(async move {
            let mut said = Vec::new();
            let _ = errors.read_to_end(&mut said).await;
            String::from_utf8_lossy(&said).into_owned()
        });
        Self {
            process,
            stdin,
            lines,
            stderr,
            kept: VecDeque::new(),
            state,
        }
    }

    /// Opens a legacy session. `capabilities` is a JSON object.
    pub async fn initialize(&mut self, version: &str, capabilities: &str) -> String {
        let params = format!(
            r#"{{"protocolVersion":"{version}","capabilities":{capabilities},"clientInfo":{{"name":"raw","version":"1"}}}}"#
        );
        self.ask(r#""initialize""#, "initialize", &params).await;
        let answer = self.answer(r#""initialize""#).await;
        self.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .await;
        answer
    }

    /// Its data folder.
    #[must_use]
    pub fn state(&self) -> std::path::PathBuf {
        self.state.path().join("state")
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id().expect("it has ended")
    }

    /// Writes a line.
    pub async fn send(&mut self, line: &str) {
        self.write(format!("{line}\n").as_bytes()).await;
    }

    /// Writes bytes.
    pub async fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("stdin is closed");
        stdin.write_all(bytes).await.unwrap();
        stdin.flush().await.unwrap();
    }

    /// Writes a request; `id` and `params` are JSON.
    pub async fn ask(&mut self, id: &str, method: &str, params: &str) {
        self.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#
        ))
        .await;
    }

    /// The same as a modern client that can be asked; `params` is a JSON object.
    pub async fn ask_modern(&mut self, id: &str, method: &str, params: &str) {
        let rest = params.trim_start().strip_prefix('{').unwrap();
        let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
        let meta = format!(
            r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientCapabilities":{{"elicitation":{{}}}}}}"#
        );
        self.ask(id, method, &format!("{{{meta}{comma}{rest}")).await;
    }

    /// The next message, byte by byte; `None` at the end.
    pub async fn next(&mut self) -> Option<String> {
        if let Some(kept) = self.kept.pop_front() {
            return Some(kept);
        }
        self.read().await
    }

    async fn read(&mut self) -> Option<String> {
        match timeout(PATIENCE, self.lines.next_line()).await {
            Ok(line) => line.unwrap(),
            Err(_) => panic!("the program says nothing"),
        }
    }

    /// The answer to a request; what comes before it is kept for [`Self::next`].
    pub async fn answer(&mut self, id: &str) -> String {
        loop {
            let Some(message) = self.read().await else {
                panic!("the end came before the answer to {id}")
            };
            let is_answer = part(&message, "method").is_none() && part(&message, "id").as_deref() == Some(id);
            if is_answer {
                return message;
            }
            self.kept.push_back(message);
        }
    }

    /// The result of a request that works, as it was written.
    pub async fn result(&mut self, id: &str, method: &str, params: &str) -> String {
        self.ask(id, method, params).await;
        let answer = self.answer(id).await;
        part(&answer, "result").unwrap_or_else(|| panic!("{method} fails: {answer}"))
    }

    /// Says nothing more.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().cast_signed()), signal).unwrap();
    }

    /// Waits for its end; gives how it ended, and what it said on stderr.
    pub async fn ended(mut self, limit: Duration) -> (ExitStatus, String) {
        let Ok(status) = timeout(limit, self.process.wait()).await else {
            panic!("the program does not end")
        };
        // What it started may still hold stderr.
        let Ok(said) = timeout(Duration::from_secs(30), &mut self.stderr).await else {
            panic!("the program has ended, and its stderr is still open")
        };
        (status.unwrap(), said.unwrap())
    }

    /// Lets go of the program as a client does that was killed: nobody writes to it or reads it any more. Gives the
    /// process.
    #[must_use]
    pub fn abandon(self) -> AbandonedProcess {
        AbandonedProcess(self.process)
    }
}

/// A program whose client is gone. Dropped, it is killed.
#[derive(Debug)]
pub struct AbandonedProcess(Child);

impl AbandonedProcess {
    /// Waits for its end.
    pub async fn ended(&mut self, limit: Duration) -> ExitStatus {
        timeout(limit, self.0.wait()).await.expect("it lives on").unwrap()
    }
}
