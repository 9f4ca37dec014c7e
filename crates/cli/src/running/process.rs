//! Processes by their number.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Entry;

/// When a process began, in clock ticks since the machine started. `None` for one that is not there, or has ended and is
/// only not waited for.
pub(crate) fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program may hold anything; what follows it does not.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    match fields.next()? {
        "Z" | "X" | "x" => None,
        _ => fields.nth(18)?.parse().ok(),
    }
}

/// How to end a gateway.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kill {
    /// As a supervisor does.
    Terminate,
    /// At once.
    Kill,
}

impl Entry {
    /// Sends a signal, if this is still the process that it was.
    pub(crate) fn signal(&self, how: Kill) -> std::io::Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        let signal = match how {
            Kill::Terminate => Signal::SIGTERM,
            Kill::Kill => Signal::SIGKILL,
        };
        let pid = Pid::from_raw(self.pid.cast_signed());
        match kill(pid, signal) {
            Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_begun_once() {
        let own = started(std::process::id());
        assert!(own.is_some());
        assert_eq!(started(std::process::id()), own);
        assert_eq!(started(u32::MAX), None);
    }

    #[test]
    fn one_that_ended_is_gone_before_it_is_waited_for() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let began = std::time::Instant::now();
        while started(child.id()).is_some() {
            assert!(began.elapsed().as_secs() < 10);
            std::thread::yield_now();
        }
        child.wait().unwrap();
    }
}
