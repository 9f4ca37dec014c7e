//! The file that `argus-mcp config init` writes.

/// A commented configuration that works as it is.
pub const STARTER: &str = include_str!("starter.yaml");
