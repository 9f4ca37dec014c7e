//! The program as people meet it: arguments, messages, exit codes, signals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at any place"
)]

mod arguments;
mod completions;
mod config;
#[cfg(target_os = "linux")]
mod doctor;
mod healthcheck;
#[cfg(target_os = "linux")]
mod init;
mod logs;
mod operate;
mod place;
mod reread;
mod server;
mod stdio;
#[cfg(target_os = "linux")]
mod systemd;
