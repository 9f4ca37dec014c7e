//! Odd backends and raw clients for tests.
//!
//! The binary `argus-odd` is an MCP server with one oddity, named by its subcommand ([`odd`]). The rest helps tests to
//! run a gateway in front of such servers ([`Gateway`]), to speak to it byte by byte ([`Client`]), and to look at what a
//! server was told ([`Journal`]). Nothing here uses the gateway's own code: what both get wrong alike would not be seen.

mod body;
mod client;
mod gateway;
mod journal;
pub mod odd;
mod port;
mod process;
mod program;
mod raw;
mod sse_client;
mod stdio_client;
mod steady;
mod tcp_relay;

pub use body::Messages;
pub use client::{Client, Exchange};
pub use gateway::{Gateway, Launch};
pub use journal::{Entry, Journal};
pub use port::unused_port;
pub use process::{is_gone, until};
pub use program::{OddServer, odd_program};
pub use raw::part;
pub use sse_client::SseClient;
pub use stdio_client::{AbandonedProcess, StdioClient};
pub use steady::Steady;
pub use tcp_relay::TcpRelay;
