//! Drives the example servers as a client does: lines in, lines out, in both eras.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a broken test fails by panicking"
)]

mod client;
mod legacy;
mod modern;
mod odd_input;
