//! The HTTP faces of the gateway: `/mcp` and `/sse` for MCP clients, `/manage/v1/` for operators. One file per operation.

mod accept;
mod app;
mod body;
mod cors;
mod front;
mod guard;
mod in_place;
mod manage;
mod mcp;
mod peer;
mod request_log;
mod router;
mod sse;

pub use accept::serve;
