//! How a server ended.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

/// How a server ended: with a code, or by a signal. Both are `None` when nobody could learn it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The exit code, when the server exited by itself.
    pub code: Option<i32>,
    /// The number of the signal that killed the server.
    pub signal: Option<i32>,
}

impl Exit {
    pub(crate) const UNKNOWN: Self = Self {
        code: None,
        signal: None,
    };

    /// Whether the server exited with code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        Self {
            code: status.code(),
            signal: status.signal(),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit status {code}"),
            (None, Some(number)) => match Signal::try_from(number) {
                Ok(signal) => write!(f, "killed by signal {number} ({signal})"),
                Err(_) => write!(f, "killed by signal {number}"),
            },
            (None, None) => f.write_str("ended with an unknown status"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        assert_eq!(
            Exit {
                code: Some(1),
                signal: None
            }
            .to_string(),
            "exit status 1"
        );
        assert_eq!(
            Exit {
                code: None,
                signal: Some(9)
            }
            .to_string(),
            "killed by signal 9 (SIGKILL)"
        );
        assert_eq!(
            Exit {
                code: None,
                signal: Some(40)
            }
            .to_string(),
            "killed by signal 40"
        );
        assert_eq!(Exit::UNKNOWN.to_string(), "ended with an unknown status");
    }
}
