//! The guard's long wait: for the gateway, for its children, and for time to pass.

use std::collections::HashSet;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgid, getpid};

use super::signals::Signals;
use super::{KILL_PATIENCE, descendants};
use crate::exit::Exit;
use crate::report::Command;

/// From SIGTERM to SIGKILL when nobody is there to say when: the gateway is gone, or the server exited by itself and
/// left something behind.
const GRACE: Duration = Duration::from_millis(500);

/// Between two rounds of SIGKILL.
const ROUND: Duration = Duration::from_millis(10);

/// So many rounds are made, however late it is: on a machine that is busy this process may not have run meanwhile.
const MIN_ROUNDS: u32 = 50;

/// Between two looks at the children where no signal tells of their end.
const LOOK: Duration = Duration::from_millis(50);

pub(super) struct Watch<'a> {
    /// `None` once the gateway is gone.
    control: Option<&'a UnixStream>,
    signals: Signals,
    server: Pid,
    /// How the server ended; `None` while its process id is its own.
    exit: Option<Exit>,
    phase: Phase,
    /// Who has got SIGTERM.
    terminated: HashSet<Pid>,
}

#[derive(Clone, Copy)]
enum Phase {
    /// The server does its work.
    Running,
    /// SIGTERM was sent; SIGKILL follows at that time, or when the gateway says so.
    Terminating { until: Option<Instant> },
    /// SIGKILL, round after round, at most until that time; so many were made.
    Killing { until: Instant, rounds: u32 },
}

impl<'a> Watch<'a> {
    pub(super) fn new(control: &'a UnixStream, signals: Signals, server: Pid) -> Self {
        Self {
            control: Some(control),
            signals,
            server,
            exit: None,
            phase: Phase::Running,
            terminated: HashSet::new(),
        }
    }

    /// Returns when no process is left below the guard, with the end of the server itself.
    pub(super) fn until_all_gone(mut self) -> Exit {
        loop {
            let was_running = self.exit.is_none();
            if !self.reap() {
                break;
            }
            if was_running && self.exit.is_some() {
                self.server_ended();
            }
            if !self.advance() {
                break;
            }
            self.listen();
        }
        self.exit.unwrap_or(Exit::UNKNOWN)
    }

    /// Takes the status of every child that ended, adopted ones included. Says whether any child is left.
    fn reap(&mut self) -> bool {
        loop {
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => return true,
                Ok(WaitStatus::Exited(pid, code)) if pid == self.server => {
                    self.exit = Some(Exit {
                        code: Some(code),
                        signal: None,
                    });
                }
                Ok(WaitStatus::Signaled(pid, signal, _)) if pid == self.server => {
                    self.exit = Some(Exit {
                        code: None,
                        signal: Some(signal as i32),
                    });
                }
                Err(Errno::ECHILD) => return false,
                // Some child was killed by a signal that nix has no name for, a real-time one.
                Err(_) if self.exit.is_none() && kill(self.server, None) == Err(Errno::ESRCH) => {
                    self.exit = Some(Exit::UNKNOWN);
                }
                _ => {}
            }
        }
    }

    /// What is left has no purpose any more. During an ordered stop the gateway says when its time is up.
    fn server_ended(&mut self) {
        match self.phase {
            Phase::Running => self.terminate_everything(),
            Phase::Terminating { .. } => self.terminate(|_, _| true),
            Phase::Killing { .. } => {}
        }
    }

    /// Does what the phase asks for now. `false` when the guard has done what it can.
    fn advance(&mut self) -> bool {
        let now = Instant::now();
        match self.phase {
            Phase::Terminating { until: Some(until) } if until <= now => self.kill_everything(),
            Phase::Killing { until, rounds } if until <= now && rounds >= MIN_ROUNDS => return false,
            Phase::Killing { until, rounds } => {
                let rounds = rounds.saturating_add(1);
                self.phase = Phase::Killing { until, rounds };
                self.kill_round();
            }
            _ => {}
        }
        true
    }

    /// Waits for a word from the gateway, a signal, or the next thing to do.
    fn listen(&mut self) {
        let control = self
            .control
            .map(|control| PollFd::new(control.as_fd(), PollFlags::POLLIN));
        let signals = self
            .signals
            .descriptor()
            .map(|signals| PollFd::new(signals, PollFlags::POLLIN));
        let mut sources: Vec<PollFd<'_>> = control.into_iter().chain(signals).collect();
        // EINTR is as good as any reason to look again.
        let _ = poll(&mut sources, self.patience());

        let heard = |source: &PollFd<'_>| source.any().unwrap_or(true);
        let from_control = self.control.is_some() && sources.first().is_some_and(heard);
        if self.signals.told_to_end() {
            self.terminate_everything();
        }
        if from_control {
            self.obey();
        }
    }

    fn patience(&self) -> PollTimeout {
        let until_then = |then: Instant| then.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        let wait = match self.phase {
            Phase::Running | Phase::Terminating { until: None } => None,
            Phase::Terminating { until: Some(until) } => Some(until_then(until)),
            Phase::Killing { .. } => Some(ROUND),
        };
        let wait = if cfg!(target_os = "linux") {
            wait
        } else {
            Some(wait.map_or(LOOK, |wait| wait.min(LOOK)))
        };
        wait.map_or(PollTimeout::NONE, |wait| {
            PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX)
        })
    }

    fn obey(&mut self) {
        let Some(mut control) = self.control else { return };
        let mut bytes = [0; 8];
        match control.read(&mut bytes) {
            Ok(count @ 1..) => {
                for command in bytes.iter().take(count).filter_map(|&byte| Command::decode(byte)) {
                    match command {
                        Command::Terminate => self.terminate_server(),
                        Command::Kill => self.kill_everything(),
                    }
                }
            }
            // The gateway is gone.
            Ok(0) | Err(_) => {
                self.control = None;
                self.terminate_everything();
            }
        }
    }

    fn terminate_server(&mut self) {
        if matches!(self.phase, Phase::Running) {
            self.phase = Phase::Terminating { until: None };
            self.terminate(|guard, pid| getpgid(Some(pid)) == Ok(guard.server));
        }
    }

    fn terminate_everything(&mut self) {
        if matches!(self.phase, Phase::Running | Phase::Terminating { until: None }) {
            self.phase = Phase::Terminating {
                until: Some(Instant::now() + GRACE),
            };
            self.terminate(|_, _| true);
        }
    }

    fn kill_everything(&mut self) {
        if !matches!(self.phase, Phase::Killing { .. }) {
            self.phase = Phase::Killing {
                until: Instant::now() + KILL_PATIENCE,
                rounds: 1,
            };
            self.kill_round();
        }
    }

    /// SIGTERM, once for each process: to many programs a second one means to leave their work undone. SIGCONT follows,
    /// for a stopped process would not see it.
    fn terminate(&mut self, whom: impl Fn(&Self, Pid) -> bool) {
        let Some(below) = descendants::below(getpid()) else {
            self.signal_group(Signal::SIGTERM);
            return self.signal_group(Signal::SIGCONT);
        };
        for pid in below {
            if whom(self, pid) && self.terminated.insert(pid) {
                // It may just have ended, or belong to another user.
                let _ = kill(pid, Signal::SIGTERM);
                let _ = kill(pid, Signal::SIGCONT);
            }
        }
    }

    /// SIGKILL to all that can be seen now. What they started meanwhile is seen in the next round.
    fn kill_round(&self) {
        self.signal_group(Signal::SIGKILL);
        for pid in descendants::below(getpid()).unwrap_or_default() {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }

    /// The server's group. On Linux only while the server's process id is certainly its own: after that, its
    /// descendants are found in `/proc`.
    fn signal_group(&self, signal: Signal) {
        if self.exit.is_none() || cfg!(not(target_os = "linux")) {
            let _ = killpg(self.server, signal);
        }
    }
}
