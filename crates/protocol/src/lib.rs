//! MCP wire shapes: envelope, eras, methods, headers, error codes, line and SSE codecs.
//!
//! No I/O and no async: everything here is a pure function over text.

pub mod code;
pub mod header;
pub mod meta;
pub mod method;
pub mod version;
