//! A backend over HTTP+SSE (MCP 2024-11-05 "HTTP with SSE"): one event stream for all that it says, one POST for each
//! message to it.

mod connection;
mod doubt;
mod local;
mod post;
mod stream;

pub(crate) use connection::Connection;
pub(crate) use local::LocalProcess;
pub use stream::{EventStream, is_message};
