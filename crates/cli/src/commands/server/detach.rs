//! `--detach`: the gateway runs on in the background, as a process that nobody's terminal ends.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use argus_config::Loaded;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::identity::Present;
use super::{Arguments, Source, data};
use crate::failure::Failure;
use crate::output;
use crate::running::Entry;

/// How long it may take until it listens.
const START: Duration = Duration::from_secs(60);
/// So much of what it said is shown when it does not start.
const LAST_LINES: usize = 40;

/// What the gateway says when it listens, as a line on its standard output.
#[derive(Serialize, Deserialize)]
struct Listening {
    entry: Entry,
    /// Whether `status` and `stop` find it.
    listed: bool,
}

/// Starts the gateway in the background and waits until it listens.
pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // What is wrong with the configuration is shown here, as without --detach.
    let source = Source::of(arguments)?;
    source.can_be_read_again().map_err(Failure::Usage)?;
    let Loaded { config, .. } = source.read()?;
    let data = data::place().context("there is no home folder; set ARGUS_STATE_DIR to a folder for data")?;
    let log = Log::begin(&data.join("logs"))?;
    let mut child = spawn(&log)?;
    match started(&mut child) {
        Ok(Listening { entry, listed }) => {
            let path = config.server.transport.path();
            let (name, pid, url) = (&entry.name, entry.pid, entry.url());
            if arguments.json {
                output::answer(json!({
                    "name": name,
                    "pid": pid,
                    "url": url,
                    "endpoint": format!("{url}{path}"),
                    "log_file": entry.log_file,
                    "listed": listed,
                }));
                return Ok(());
            }
            output::answer(format_args!("{name} (process {pid}) listens on {url}{path}"));
            if let Some(log) = &entry.log_file {
                output::answer(format_args!("its log is {log}"));
            }
            match listed {
                true => output::answer(format_args!("stop it with `argus-mcp stop {name}`")),
                false => {
                    output::answer(format_args!("stop it with `kill {pid}`"));
                    output::say("warning: `argus-mcp status` and `stop` do not find it; its log says why");
                }
            }
            Ok(())
        }
        Err(why) => Err(log.failed(&why)),
    }
}

/// Leaves the terminal and the group of whoever started this: from here on their signals are not for this process.
pub(super) fn leave_terminal() -> anyhow::Result<()> {
    nix::unistd::setsid().context("cannot begin a session of its own")?;
    Ok(())
}

/// Says that this gateway listens to who started it, who then may end: from here on standard output is the log, too.
pub(super) fn say(present: &Present) {
    let listening = Listening {
        entry: present.entry.clone(),
        listed: present.is_listed(),
    };
    match serde_json::to_string(&listening) {
        Ok(line) => drop(output::tell(line)),
        Err(error) => tracing::warn!("who started this gateway is not told that it listens: {error}"),
    }
    if let Err(error) = nix::unistd::dup2_stdout(io::stderr()) {
        tracing::warn!("standard output stays where it is: {error}");
    }
}

/// Starts this program with the same arguments, so that all of them hold.
fn spawn(log: &Log) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("cannot find out the path of this program")?;
    Command::new(program)
        .args(std::env::args_os().skip(1))
        .arg("--detached-log")
        .arg(&log.path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.file.try_clone()?)
        .spawn()
        .context("cannot start this program again")
}

/// Why the gateway does not run in the background.
#[derive(Debug, thiserror::Error)]
enum NotStarted {
    #[error("the gateway did not start ({0})")]
    Ended(ExitStatus),
    #[error("the gateway did not listen within {} s and was stopped; try it without --detach", START.as_secs())]
    TooLate,
    #[error("it is not known whether the gateway started; `argus-mcp status` lists those that run: {0}")]
    Unheard(#[from] io::Error),
}

/// Waits until the process says that it listens, or ends.
fn started(child: &mut Child) -> Result<Listening, NotStarted> {
    let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe);
    match line(stdout.map_err(io::Error::from)?, Instant::now() + START)? {
        Some(line) if !line.is_empty() => Ok(serde_json::from_slice(&line).map_err(io::Error::from)?),
        // It closes its standard output only by its end.
        Some(_) => Err(NotStarted::Ended(child.wait()?)),
        None => {
            child.kill()?;
            child.wait()?;
            Err(NotStarted::TooLate)
        }
    }
}

/// The first line; an empty one when there is none, `None` when it does not come in time.
fn line(mut from: ChildStdout, until: Instant) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let left = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(from.as_fd(), PollFlags::POLLIN)], left) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let mut chunk = [0; 4096];
        let length = from.read(&mut chunk)?;
        line.extend_from_slice(&chunk[..length]);
        if length == 0 {
            return Ok(Some(Vec::new()));
        }
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return Ok(Some(line));
        }
    }
}

/// Where the gateway writes what it says, until it has a name.
struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    fn begin(folder: &Path) -> anyhow::Result<Self> {
        let cannot = || {
            format!(
                "cannot write to {}; set ARGUS_STATE_DIR to a folder for data",
                folder.display()
            )
        };
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(cannot)?;
        let path = folder.join(format!("starting-{}.log", std::process::id()));
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .with_context(cannot)?;
        file.set_len(0)?;
        Ok(Self { path, file })
    }

    /// Shows what the gateway said, and takes its exit code.
    fn failed(self, why: &NotStarted) -> Failure {
        let said = std::fs::read(&self.path).unwrap_or_default();
        drop(std::fs::remove_file(&self.path));
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().collect();
        for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
            output::say(line);
        }
        output::say(format_args!("error: {why}"));
        let code = match why {
            NotStarted::Ended(ended) => ended.code(),
            NotStarted::TooLate | NotStarted::Unheard(_) => None,
        };
        let code = code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code > 0);
        Failure::Said(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
