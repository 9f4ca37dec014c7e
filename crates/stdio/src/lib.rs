//! MCP on stdin and stdout, for clients that know nothing else (MCP "stdio").
//!
//! [`own`] serves the client from a gateway in this program; [`remote`] hands its messages on to an endpoint elsewhere.
//! Either way each line is one message, of either era, and stdout carries nothing else.

mod hangup;
mod input;
mod output;
pub mod own;
pub mod remote;

use tokio::io::{AsyncRead, AsyncWrite};

pub use hangup::Stdout;
pub use remote::Target;

/// The streams that the client is at the other end of.
pub trait Input: AsyncRead + Unpin + Send + 'static {}
impl<T: AsyncRead + Unpin + Send + 'static> Input for T {}

/// The stream that the client reads.
pub trait Output: AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncWrite + Unpin + Send + 'static> Output for T {}
