//! What to start, and how to stop it.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A server process to start.
///
/// `Debug` shows the names of `env` and the number of `args`, never their values: both may carry secrets.
#[derive(Clone)]
pub struct Spec {
    /// A path, or a name that is looked up on the server's own `PATH`. A relative path is taken from `cwd`.
    pub program: OsString,
    /// The arguments after the program's name.
    pub args: Vec<OsString>,
    /// Variables on top of [`crate::env::safe_base`]; a name given here wins over the base.
    pub env: Vec<(OsString, OsString)>,
    /// The folder to start in; the gateway's own when `None`.
    pub cwd: Option<PathBuf>,
    /// The program that stands guard.
    pub guard: GuardProgram,
    /// How long [`crate::Child::stop`] waits between its steps.
    pub stop: StopTimes,
}

/// The program to execute as guard. It must call [`crate::guard::main`] with the arguments that follow `args`.
#[derive(Clone, Debug)]
pub struct GuardProgram {
    /// The executable.
    pub program: PathBuf,
    /// The arguments that make it a guard; two more are appended.
    pub args: Vec<OsString>,
}

impl GuardProgram {
    /// The running program with the argument `__guard`. On Linux it is executed through `/proc/self/exe`, which still
    /// leads to the running version after its file was replaced.
    ///
    /// # Errors
    /// Outside Linux, when the path of the running program cannot be found out.
    pub fn this_program() -> std::io::Result<Self> {
        let program = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe()?
        };
        Ok(Self {
            program,
            args: vec!["__guard".into()],
        })
    }
}

/// The patience of [`crate::Child::stop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopTimes {
    /// From closing stdin to SIGTERM.
    pub after_eof: Duration,
    /// From SIGTERM to SIGKILL.
    pub after_term: Duration,
}

impl Default for StopTimes {
    /// 2 s after the end of stdin, 3 s after SIGTERM.
    fn default() -> Self {
        Self {
            after_eof: Duration::from_secs(2),
            after_term: Duration::from_secs(3),
        }
    }
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Spec")
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("env", &names)
            .field("cwd", &self.cwd)
            .field("guard", &self.guard)
            .field("stop", &self.stop)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_values() {
        let spec = Spec {
            program: "server".into(),
            args: vec!["--token=hidden".into()],
            env: vec![("API_KEY".into(), "hidden".into())],
            cwd: None,
            guard: GuardProgram {
                program: "guard".into(),
                args: vec![],
            },
            stop: StopTimes::default(),
        };
        let shown = format!("{spec:?}");
        assert!(shown.contains("API_KEY"), "{shown}");
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
