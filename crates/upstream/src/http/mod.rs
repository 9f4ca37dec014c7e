//! A backend behind Streamable HTTP, with a session (legacy) or without (modern).

mod causes;
mod client;
mod connection;
mod endpoint;
mod exchange;
mod probe;
mod standing;

pub use client::HttpClient;
pub(crate) use connection::Connection;
pub(crate) use endpoint::Endpoint;
pub(crate) use probe::{Probe, probe};
