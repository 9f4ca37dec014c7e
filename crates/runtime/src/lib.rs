//! Child processes from their own Spec: spawn, isolate, reap; the guard that leaves no orphan.
//!
//! Every server is started by a *guard*: this program executed again, one small process per server. The guard holds
//! one end of a socket whose other end only the gateway holds, and every descendant of the server stays below it. When
//! the gateway is gone, however it went, the socket closes and the guard kills what it started.
//!
//! ```text
//! gateway ── control socket ── guard (own session, subreaper)
//!    └── stdin, stdout, stderr ────┴── server (own process group) ── whatever it starts
//! ```
//!
//! On Linux this holds for all descendants, also for those which left the process group. On other systems the guard
//! reaches the process group only.

pub mod env;
pub mod guard;
pub mod init;

mod child;
mod error;
mod exit;
mod order;
mod report;
mod spawn;
mod spec;
mod stderr;
mod tend;

pub use child::Child;
pub use error::SpawnError;
pub use exit::Exit;
pub use spawn::spawn;
pub use spec::{GuardProgram, Spec, StopTimes};
pub use stderr::{Lines, StderrRing};
