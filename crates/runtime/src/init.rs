//! The first process of a container: everything that loses its parent becomes its child, and it takes signals only that
//! it asked for. It starts the program again as its child, hands signals on, takes the status of all that ends, and ends
//! as the program did.

use std::process::ExitCode;

/// Whether this process is the first one of its container, or of the machine.
#[must_use]
pub fn is_first() -> bool {
    cfg!(target_os = "linux") && std::process::id() == 1
}

/// The whole life of the first process: runs this program again with the same arguments, and waits for its end. To be
/// called before any thread is started.
///
/// # Errors
/// When the program cannot be started; then nothing has happened.
#[cfg(target_os = "linux")]
pub fn main() -> std::io::Result<ExitCode> {
    linux::main()
}

/// There are no containers to be first in.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn main() -> std::io::Result<ExitCode> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, ExitCode};

    use nix::errno::Errno;
    use nix::sys::signal::{SigSet, Signal, kill};
    use nix::sys::signalfd::{SfdFlags, SignalFd};
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    use nix::unistd::Pid;

    /// What is handed on to the program.
    const HANDED_ON: [Signal; 6] = [
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGQUIT,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
    ];

    pub(super) fn main() -> io::Result<ExitCode> {
        let mut awaited = SigSet::from(Signal::SIGCHLD);
        awaited.extend(HANDED_ON);
        awaited.thread_block()?;
        let signals = SignalFd::with_flags(&awaited, SfdFlags::SFD_CLOEXEC)?;
        let program = start().inspect_err(|_| {
            // Whatever this process does now, it takes its signals itself.
            let _ = awaited.thread_unblock();
        })?;
        loop {
            let Some(signal) = signals.read_signal()? else { continue };
            if signal.ssi_signo == Signal::SIGCHLD as u32 {
                if let Some(code) = reap(program) {
                    return Ok(ExitCode::from(code));
                }
                continue;
            }
            // A terminal has signalled the program itself: twice would mean to end at once.
            let from_terminal = signal.ssi_code > 0;
            if let Some(signal) = HANDED_ON.into_iter().find(|&one| one as u32 == signal.ssi_signo)
                && !from_terminal
            {
                let _ = kill(program, signal);
            }
        }
    }

    #[allow(
        unsafe_code,
        reason = "only the new process can take its signals again before it runs"
    )]
    fn start() -> io::Result<Pid> {
        let mut words = std::env::args_os();
        let name = words.next();
        let mut command = Command::new("/proc/self/exe");
        command.args(words);
        if let Some(name) = name {
            command.arg0(name);
        }
        // SAFETY: one system call between fork and exec, which is async-signal-safe.
        unsafe { command.pre_exec(|| Ok(SigSet::empty().thread_set_mask()?)) };
        Ok(Pid::from_raw(command.spawn()?.id().cast_signed()))
    }

    /// Takes the status of all that ended; gives the exit code once the program is among them.
    fn reap(program: Pid) -> Option<u8> {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) if pid == program => return Some(u8::try_from(code).unwrap_or(1)),
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == program => {
                    return Some(128u8.saturating_add(u8::try_from(signal as i32).unwrap_or(0)));
                }
                // The program is gone, however it ended.
                Err(Errno::ECHILD) => return Some(1),
                // Some child was killed by a signal that nix has no name for, a real-time one.
                Err(Errno::EINVAL) => {}
                Ok(WaitStatus::StillAlive) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}
