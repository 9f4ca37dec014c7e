//! The program as people meet it: arguments, messages, exit codes, signals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at any place"
)]

mod arguments;
mod config;
mod logs;
mod place;
mod server;
mod stdio;
