//! The HTTP faces of the gateway: `/mcp` and `/sse` for MCP clients, `/manage/v1/` and
//! `/metrics` for operators. One file per operation.
//! A client over stdio is served as one of `/sse` is, without HTTP ([`LocalClient`]).

mod accept;
mod app;
mod body;
mod check;
mod cors;
mod counted;
mod duplex;
mod front;
mod guard;
mod in_place;
mod local;
mod lost_lines;
mod manage;
mod mcp;
mod metrics;
mod peer;
mod reload;
mod request_log;
mod router;
mod sse;

pub use accept::serve;
pub use check::{Check, Checker, Objection};
pub use local::LocalClient;
pub use lost_lines::{CountLost, LostLines};
pub use manage::Service;
pub use reload::{Disabled, Load, Reloader};
