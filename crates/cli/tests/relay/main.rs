//! The program between raw clients and odd backends: nothing is lost on the way, one sick backend hurts nobody else, and
//! nothing is left behind.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at any place"
)]

mod asks;
mod broken;
mod cached;
mod chaos;
mod configured;
mod dice;
mod disconnects;
mod ends;
mod events;
mod half_open;
mod heal;
mod heal_http;
mod health;
mod listens;
mod lists;
mod logs;
mod lossless;
mod lost_sessions;
mod managed;
mod metrics;
mod odd_http;
mod param_headers;
mod parked;
mod payloads;
mod properties;
mod reload;
mod reload_under_load;
mod remembered;
mod revival;
mod rounds;
mod secrets;
mod sharing;
mod shielded;
mod sse;
mod sse_face;
mod sse_odd;
mod sse_process;
mod start;
mod stdio_own;
mod stdio_remote;
mod steered;
mod tasks;
mod timeouts;
mod tls;
mod tls_front;
mod trickle;
mod vanishing;
mod world;
