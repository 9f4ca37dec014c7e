//! Servers started, stopped, killed and orphaned, as real processes.
#![cfg(target_os = "linux")]
#![allow(missing_docs, reason = "a test binary")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests fail as tests do")]

mod hygiene;
mod orphans;
mod start;
mod stop;
mod support;
