//! The HTTP faces of the gateway: `/mcp` for MCP clients, `/manage/v1/` for operators. One file per operation.

mod accept;
mod app;
mod body;
mod cors;
mod guard;
mod manage;
mod mcp;
mod peer;
mod request_log;
mod router;

pub use accept::serve;
