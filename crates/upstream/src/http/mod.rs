//! A backend behind Streamable HTTP, with a session (legacy) or without (modern).

mod causes;
mod client;
mod connection;
mod driven;
mod endpoint;
mod exchange;
mod idle;
mod lost;
mod place;
mod probe;
mod sending;
mod standing;

pub(crate) use causes::causes;
pub use client::HttpClient;
pub(crate) use connection::{Connection, version_headers};
pub use driven::Received;
pub(crate) use endpoint::status_error;
pub use endpoint::{Endpoint, shown};
pub(crate) use exchange::MAX_EVENT;
pub(crate) use probe::{Probe, probe};
