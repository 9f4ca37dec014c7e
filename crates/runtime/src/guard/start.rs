//! Starting the server, in its own process group.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::sys::signal::SigSet;
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, getpid, getppid};

use crate::order::Order;
use crate::report::{Report, errno_of};

/// Starts the server with the guard's stdin, stdout and stderr, which the guard then no longer has.
pub(super) fn start(order: &Order) -> Result<Pid, Report> {
    if let Some(cwd) = &order.cwd {
        std::env::set_current_dir(cwd).map_err(|error| Report::CwdFailed(errno_of(&error)))?;
    }
    let mut command = Command::new(&order.program);
    command
        .args(&order.args)
        .env_clear()
        .envs(order.env.iter().map(|(name, value)| (name, value)))
        .process_group(0);
    hand_over_stdio(&mut command).map_err(Report::guard_failed)?;
    prepare(&mut command);
    let server = command
        .spawn()
        .map_err(|error| Report::ProgramFailed(errno_of(&error)))?;
    Ok(Pid::from_raw(server.id().cast_signed()))
}

/// Moves the guard's standard streams into the command; they close when it is dropped. Only so does the gateway see the
/// end of stdout when the server closes it, and the server the end of stdin when the gateway does.
fn hand_over_stdio(command: &mut Command) -> io::Result<()> {
    command
        .stdin(io::stdin().as_fd().try_clone_to_owned()?)
        .stdout(io::stdout().as_fd().try_clone_to_owned()?)
        .stderr(io::stderr().as_fd().try_clone_to_owned()?);
    let nothing = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&nothing)?;
    dup2_stdout(&nothing)?;
    dup2_stderr(&nothing)?;
    Ok(())
}

/// Has the new process take signals again, which the guard reads from a queue, and has the kernel kill it when the guard
/// is killed. The guard has one thread, so that signal cannot come early.
#[allow(
    unsafe_code,
    reason = "mask and death signal are attributes of the new process, which only itself can set"
)]
fn prepare(command: &mut Command) {
    let guard = getpid();
    let settle = move || {
        SigSet::empty().thread_set_mask()?;
        #[cfg(target_os = "linux")]
        nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)?;
        // The guard may have died just before.
        if getppid() == guard {
            Ok(())
        } else {
            Err(io::Error::from(Errno::ESRCH))
        }
    };
    // SAFETY: the guard has a single thread, and `settle` only makes system calls.
    unsafe { command.pre_exec(settle) };
}
