//! The configuration as its users meet it: files in, values or messages out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at any place"
)]

mod common;
mod errors;
mod hostile;
mod keys;
mod load;
mod schema;
mod secrets;
mod settings;
