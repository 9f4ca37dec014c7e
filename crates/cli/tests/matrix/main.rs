//! Every kind of client at every kind of backend, through the program: what each of them must see of everything that MCP
//! can do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at any place"
)]

mod backend;
mod cells;
mod concerns;
mod kinds;
mod peer;
mod readme;
mod run;
mod script;
mod wire;
