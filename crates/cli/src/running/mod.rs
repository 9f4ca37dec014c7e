//! The gateways of this user that run on this machine: a file for each, which it holds a lock on for as long as it lives.
//!
//! The lock says that a file is true. It goes with its process, also by `kill -9`, so that no file can tell of a gateway
//! that is gone.

mod claim;
mod entry;
mod list;
mod name;
mod process;
mod turn;

use std::path::{Path, PathBuf};

pub(crate) use claim::{Claim, ClaimError};
pub(crate) use entry::Entry;
pub(crate) use list::{list, named};
pub(crate) use name::Name;
pub(crate) use process::{Kill, started};
pub(crate) use turn::Turn;

/// Where the files are, in the data folder.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("sessions")
}
