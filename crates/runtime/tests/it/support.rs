//! Specs, gateways to kill, and looks at processes.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use argus_runtime::{Child, GuardProgram, Spec, StopTimes};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncReadExt};

pub(crate) const FIXTURE: &str = env!("CARGO_BIN_EXE_argus-guard-fixture");

/// After this, a process that should be gone is an orphan.
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) fn spec(program: &str, args: &[&str]) -> Spec {
    Spec {
        program: program.into(),
        args: args.iter().map(OsString::from).collect(),
        env: vec![],
        cwd: None,
        guard: GuardProgram {
            program: PathBuf::from(FIXTURE),
            args: vec!["__guard".into()],
        },
        stop: StopTimes {
            after_eof: Duration::from_secs(1),
            after_term: Duration::from_secs(1),
        },
    }
}

pub(crate) fn sh(script: &str) -> Spec {
    spec("sh", &["-c", script])
}

pub(crate) async fn spawn(spec: &Spec) -> Child {
    argus_runtime::spawn(spec).await.unwrap()
}

pub(crate) async fn all_stdout(child: &mut Child) -> String {
    let mut text = String::new();
    child.take_stdout().unwrap().read_to_string(&mut text).await.unwrap();
    text
}

/// Lines of the server's stdout, each a process id.
pub(crate) async fn pids_from<const N: usize>(child: &mut Child) -> [Pid; N] {
    let mut lines = tokio::io::BufReader::new(child.take_stdout().unwrap()).lines();
    let mut pids = [Pid::this(); N];
    for pid in &mut pids {
        *pid = parse_pid(&lines.next_line().await.unwrap().unwrap());
    }
    pids
}

fn parse_pid(text: &str) -> Pid {
    Pid::from_raw(text.trim().parse().unwrap())
}

pub(crate) fn pid(id: u32) -> Pid {
    Pid::from_raw(id.cast_signed())
}

/// A process that started a server through this crate, in the shoes of the gateway.
pub(crate) struct Gateway {
    process: std::process::Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) server: Pid,
    pub(crate) guard: Pid,
}

impl Gateway {
    pub(crate) fn start(script: &str) -> Self {
        let mut process = Command::new(FIXTURE)
            .args(["gateway", "sh", "-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let (server, guard) = line.split_once(' ').unwrap();
        let (server, guard) = (parse_pid(server), parse_pid(guard));
        Self {
            process,
            stdout,
            server,
            guard,
        }
    }

    /// The next line the server wrote, a process id.
    pub(crate) fn next_pid(&mut self) -> Pid {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        parse_pid(&line)
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether there is such a process; a zombie counts only with `zombies`.
fn exists(pid: Pid, zombies: bool) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    zombies || !stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z"))
}

pub(crate) fn runs(pid: Pid) -> bool {
    exists(pid, false)
}

/// Fails, and kills the process, if it still runs after a while.
pub(crate) async fn assert_gone(what: &str, pid: Pid) {
    if !until(SOON, || !exists(pid, false)).await {
        let _ = kill(pid, Signal::SIGKILL);
        panic!("{what} ({pid}) still runs");
    }
}

/// Fails if there is even a zombie after a while.
pub(crate) async fn assert_reaped(what: &str, pid: Pid) {
    assert_gone(what, pid).await;
    assert!(until(SOON, || !exists(pid, true)).await, "{what} ({pid}) is a zombie");
}

/// Looks are counted, not time: what holds up this process also holds up what it waits for.
pub(crate) async fn until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    for _ in 0..limit.as_millis() / 10 {
        if holds() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    holds()
}

/// How many processes have this text among their arguments.
pub(crate) fn processes_with(text: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).contains(text))
        .count()
}

/// How many processes work in this folder; zombies work nowhere.
pub(crate) fn processes_in(folder: &Path) -> usize {
    let folder = folder.canonicalize().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let folders = processes.filter_map(|entry| std::fs::read_link(entry.path().join("cwd")).ok());
    folders.filter(|cwd| *cwd == folder).count()
}

/// Makes a file that can be executed. Another process writes it: what is open for writing here is so in the child of
/// another test, too, until that is executed itself, and meanwhile the file is "busy".
pub(crate) fn script(path: &Path, text: &str) {
    let write = r#"printf %s "$1" > "$0" && chmod 755 "$0""#;
    let written = Command::new("sh").args(["-c", write]).arg(path).arg(text).status();
    assert!(written.unwrap().success());
}
