//! The small messages on the control socket once the order is sent: commands one way, reports the other.

use nix::errno::Errno;
use nix::libc;

use crate::exit::Exit;

/// What the gateway asks of a guard: one byte each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// SIGTERM to the server's process group.
    Terminate,
    /// SIGKILL to everything below the guard.
    Kill,
}

impl Command {
    pub(crate) const fn encode(self) -> u8 {
        match self {
            Self::Terminate => b'T',
            Self::Kill => b'K',
        }
    }

    pub(crate) const fn decode(byte: u8) -> Option<Self> {
        match byte {
            b'T' => Some(Self::Terminate),
            b'K' => Some(Self::Kill),
            _ => None,
        }
    }
}

/// What a guard tells the gateway: a tag and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The server runs, with this process id, which is also its process group.
    Started(i32),
    /// The folder could not be entered; the errno.
    CwdFailed(i32),
    /// The program could not be executed; the errno.
    ProgramFailed(i32),
    /// The guard could not prepare its own work; the errno.
    GuardFailed(i32),
    /// Nothing is left; how the server itself ended.
    Ended(Exit),
}

impl Report {
    /// The bytes of every report.
    pub(crate) const LEN: usize = 5;

    pub(crate) fn encode(self) -> [u8; Self::LEN] {
        let (tag, number) = match self {
            Self::Started(pid) => (b's', pid),
            Self::CwdFailed(errno) => (b'd', errno),
            Self::ProgramFailed(errno) => (b'p', errno),
            Self::GuardFailed(errno) => (b'g', errno),
            Self::Ended(Exit { code: Some(code), .. }) => (b'c', code),
            Self::Ended(Exit {
                signal: Some(signal), ..
            }) => (b'k', signal),
            Self::Ended(_) => (b'u', 0),
        };
        let [a, b, c, d] = number.to_le_bytes();
        [tag, a, b, c, d]
    }

    pub(crate) fn decode(bytes: [u8; Self::LEN]) -> Option<Self> {
        let [tag, a, b, c, d] = bytes;
        let number = i32::from_le_bytes([a, b, c, d]);
        match tag {
            b's' => Some(Self::Started(number)),
            b'd' => Some(Self::CwdFailed(number)),
            b'p' => Some(Self::ProgramFailed(number)),
            b'g' => Some(Self::GuardFailed(number)),
            b'c' => Some(Self::Ended(Exit {
                code: Some(number),
                signal: None,
            })),
            b'k' => Some(Self::Ended(Exit {
                code: None,
                signal: Some(number),
            })),
            b'u' => Some(Self::Ended(Exit::UNKNOWN)),
            _ => None,
        }
    }
}

/// The errno of an I/O error; EINVAL for those that std found itself, such as a NUL byte in an argument.
pub(crate) fn errno_of(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(Errno::EINVAL as libc::c_int)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrive_as_they_were_sent() {
        let exit = |code, signal| Report::Ended(Exit { code, signal });
        for report in [
            Report::Started(4_000_000),
            Report::CwdFailed(2),
            Report::ProgramFailed(13),
            Report::GuardFailed(24),
            exit(Some(255), None),
            exit(None, Some(9)),
            exit(None, None),
        ] {
            assert_eq!(Report::decode(report.encode()), Some(report));
        }
        for command in [Command::Terminate, Command::Kill] {
            assert_eq!(Command::decode(command.encode()), Some(command));
        }
        assert_eq!(Report::decode(*b"?????"), None);
        assert_eq!(Command::decode(b'?'), None);
    }
}
