//! The guard's place among processes, and its signals.

use nix::sys::signal::{SigHandler, Signal, signal};

#[cfg(target_os = "linux")]
pub(super) use linux::Signals;
#[cfg(not(target_os = "linux"))]
pub(super) use other::Signals;

/// Makes every signal that the gateway's starter had ignored a normal one again, for the guard and for the server.
fn restore_all() {
    for signal in Signal::iterator() {
        restore(signal);
    }
}

#[allow(
    unsafe_code,
    reason = "nix marks every change of a signal's action as unsafe, because of handlers"
)]
fn restore(number: Signal) {
    // std has the guard ignore SIGPIPE, and gives the server the default.
    if number == Signal::SIGPIPE {
        return;
    }
    // SAFETY: the default action runs no code of ours. It cannot be set for SIGKILL and SIGSTOP, where it always holds.
    let _ = unsafe { signal(number, SigHandler::SigDfl) };
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::{AsFd, BorrowedFd};

    use nix::Result;
    use nix::sys::prctl;
    use nix::sys::signal::{SigSet, Signal};
    use nix::sys::signalfd::{SfdFlags, SignalFd};

    /// The signals that mean: end the server and yourself.
    const ENDING: [Signal; 4] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT];

    /// The signals of this process, queued for reading.
    pub(in crate::guard) struct Signals(SignalFd);

    impl Signals {
        /// Also makes the guard the one to whom orphans below it return.
        pub(in crate::guard) fn take() -> Result<Self> {
            super::restore_all();
            prctl::set_name(c"argus-guard")?;
            prctl::set_child_subreaper(true)?;
            let mut awaited = SigSet::empty();
            awaited.add(Signal::SIGCHLD);
            awaited.extend(ENDING);
            awaited.thread_block()?;
            SignalFd::with_flags(&awaited, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).map(Self)
        }

        /// Readable when a signal came.
        pub(in crate::guard) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
            Some(self.0.as_fd())
        }

        /// Takes what came, and says whether the guard was told to end. A child's end needs no word: it is asked for.
        pub(in crate::guard) fn told_to_end(&self) -> bool {
            let mut told = false;
            while let Ok(Some(signal)) = self.0.read_signal() {
                told |= ENDING.iter().any(|ending| *ending as u32 == signal.ssi_signo);
            }
            told
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::os::fd::BorrowedFd;

    use nix::Result;

    /// Nothing to wait for: the guard asks for its children from time to time, and a signal simply ends it.
    pub(in crate::guard) struct Signals;

    impl Signals {
        pub(in crate::guard) fn take() -> Result<Self> {
            super::restore_all();
            Ok(Self)
        }

        pub(in crate::guard) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
            None
        }

        pub(in crate::guard) fn told_to_end(&self) -> bool {
            false
        }
    }
}
