//! The HTTP faces, over real connections to a real gateway. The modules mirror the URLs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at any place"
)]

mod catalogue;
mod config_keys;
mod manage;
mod mcp;
mod messages;
mod metrics;
mod sse;
mod support;
