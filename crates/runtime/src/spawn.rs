//! Starting a server through its guard.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::child::Child;
use crate::error::SpawnError;
use crate::exit::Exit;
use crate::order::Order;
use crate::report::Report;
use crate::spec::{GuardProgram, Spec};

/// How long a guard may take to say whether the program runs. It takes milliseconds; this is for a program that was
/// named as guard and is none.
const START_PATIENCE: Duration = Duration::from_secs(15);

/// Starts a server: its own process group, the safe environment plus the configured one, stdin, stdout and stderr as
/// pipes. Returns once the program has been executed.
///
/// Must be called inside a tokio runtime with I/O and time. When the future is dropped, nothing stays behind.
///
/// # Errors
/// See [`SpawnError`]: no such program, no permission, no such folder, or a guard that does not work.
pub async fn spawn(spec: &Spec) -> Result<Child, SpawnError> {
    let order = Order::new(spec, std::env::vars_os());
    let guard_failed = |source| SpawnError::Guard {
        program: spec.guard.program.clone(),
        source,
    };

    let (mut guard, mut control) = start_guard(&spec.guard, &spec.program).map_err(guard_failed)?;
    let answer = timeout(START_PATIENCE, hand_over(&mut control, &order)).await;
    if let Ok(Ok(Report::Started(server))) = answer {
        return Ok(Child::new(guard, control, server, spec.stop));
    }

    // A guard that reported a failure is about to exit; any other is of no use.
    drop(control);
    if !matches!(answer, Ok(Ok(_))) {
        let _ = guard.start_kill();
    }
    let ended = guard.wait().await;
    Err(match answer {
        Ok(Ok(Report::CwdFailed(errno))) => SpawnError::cwd(&order, errno),
        Ok(Ok(Report::ProgramFailed(errno))) => SpawnError::program(&order, errno),
        Ok(Ok(Report::GuardFailed(errno))) => guard_failed(io::Error::from_raw_os_error(errno)),
        Ok(Ok(Report::Started(_) | Report::Ended(_))) | Ok(Err(_)) => guard_failed(io::Error::other(match ended {
            Ok(status) => format!("it did not start the program ({})", Exit::from(status)),
            Err(error) => format!("it did not start the program ({error})"),
        })),
        Err(_) => guard_failed(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {} s", START_PATIENCE.as_secs()),
        )),
    })
}

/// Executes the guard with the three pipes and its end of a new control socket. The environment is left out: it is for
/// the server, and may change how a program runs.
fn start_guard(guard: &GuardProgram, server: &OsStr) -> io::Result<(tokio::process::Child, UnixStream)> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let ours = UnixStream::from_std(ours)?;
    let theirs = OwnedFd::from(theirs);

    let mut command = Command::new(&guard.program);
    command
        .args(&guard.args)
        .arg(theirs.as_raw_fd().to_string())
        // For people who look at a process list: which server this guard belongs to.
        .arg(Path::new(server).file_name().unwrap_or(server))
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    isolate(&mut command, theirs);
    Ok((command.spawn()?, ours))
}

/// Gives the guard a session of its own (out of reach of the terminal's signals) and lets it keep `control`. Both ends
/// of the socket are close-on-exec, so no other child ever gets one; only the new process drops that flag, for itself.
#[allow(
    unsafe_code,
    reason = "only between fork and exec can one child keep a descriptor that all others must not get"
)]
fn isolate(command: &mut Command, control: OwnedFd) {
    let keep = move || {
        nix::unistd::setsid()?;
        fcntl(&control, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(())
    };
    // SAFETY: between fork and exec `keep` makes two system calls, both async-signal-safe; it neither allocates nor
    // takes a lock.
    unsafe { command.pre_exec(keep) };
}

async fn hand_over(control: &mut UnixStream, order: &Order) -> io::Result<Report> {
    control.write_all(&order.encode()).await?;
    let mut bytes = [0; Report::LEN];
    control.read_exact(&mut bytes).await?;
    Report::decode(bytes).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
}
