//! Why a server could not be started.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;

use nix::errno::Errno;

use crate::order::Order;

/// Why a server could not be started. Every message names what to look at.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// No such program on the server's `PATH`.
    #[error(
        "program `{}` not found on PATH ({}): install it, give its full path, or set PATH in the backend's env",
        program.display(), path.display()
    )]
    NotOnPath {
        /// The program as configured.
        program: OsString,
        /// The server's `PATH`.
        path: OsString,
    },
    /// The program is a path, and no file is there.
    #[error("program `{}` does not exist: check the path (a relative one starts at the backend's cwd)", program.display())]
    NoSuchFile {
        /// The path, joined to the server's folder.
        program: PathBuf,
    },
    /// The file is there, but the interpreter of its `#!` line (or its dynamic loader) is not.
    #[error("program `{}` exists, but the interpreter it names (its #! line or its loader) does not", program.display())]
    NoInterpreter {
        /// The path, joined to the server's folder.
        program: PathBuf,
    },
    /// The program was found, but may not be executed.
    #[error("program `{}` may not be executed: check that it is a file with the x permission and that its folders may be entered", program.display())]
    Permission {
        /// The program as configured.
        program: OsString,
    },
    /// The folder to start in cannot be entered.
    #[error("cwd `{}` cannot be entered: {source}", cwd.display())]
    Cwd {
        /// The folder as configured.
        cwd: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The guard process did not start or did not do its work.
    #[error("the guard `{}` failed: {source}", program.display())]
    Guard {
        /// The guard's executable.
        program: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Anything else the system refused, such as too many arguments.
    #[error("program `{}` could not be started: {source}", program.display())]
    Io {
        /// The program as configured.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
}

impl SpawnError {
    pub(crate) fn cwd(order: &Order, errno: i32) -> Self {
        Self::Cwd {
            cwd: order.cwd.clone().unwrap_or_default(),
            source: io::Error::from_raw_os_error(errno),
        }
    }

    pub(crate) fn program(order: &Order, errno: i32) -> Self {
        let program = order.program.clone();
        match Errno::from_raw(errno) {
            Errno::ENOENT | Errno::ENOTDIR => Self::missing(order),
            Errno::EACCES | Errno::EPERM => Self::Permission { program },
            _ => Self::Io {
                program,
                source: io::Error::from_raw_os_error(errno),
            },
        }
    }

    /// The system says the same when the program is missing and when its interpreter is.
    fn missing(order: &Order) -> Self {
        let program = order.program.clone();
        let cwd = order.cwd.clone().unwrap_or_default();
        if is_path(&program) {
            let program = cwd.join(program);
            return if program.is_file() {
                Self::NoInterpreter { program }
            } else {
                Self::NoSuchFile { program }
            };
        }
        let mut candidates = std::env::split_paths(order.path()).map(|folder| cwd.join(folder).join(&program));
        match candidates.find(|file| file.is_file()) {
            Some(program) => Self::NoInterpreter { program },
            None => Self::NotOnPath {
                program,
                path: order.path().to_owned(),
            },
        }
    }
}

/// Whether the name is taken as a path, not looked up on `PATH`.
fn is_path(program: &OsStr) -> bool {
    program.as_encoded_bytes().contains(&b'/')
}
