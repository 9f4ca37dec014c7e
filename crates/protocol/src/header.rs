//! HTTP headers of MCP, in the lower case that `http` uses.

/// The protocol version of the request (MCP 2025-06-18 and later).
pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The legacy session (MCP 2025-03-26 to 2025-11-25).
pub const SESSION_ID: &str = "mcp-session-id";
/// The JSON-RPC method, mirrored from the body (MCP 2026-07-28).
pub const METHOD: &str = "mcp-method";
/// The tool or prompt name or the resource URI, mirrored from the body (MCP 2026-07-28).
pub const NAME: &str = "mcp-name";
/// Prefix of the mirrored tool arguments that a schema marks with `x-mcp-header` (MCP 2026-07-28).
pub const PARAM_PREFIX: &str = "mcp-param-";
/// Where a legacy stream is to be resumed (MCP 2025-03-26 to 2025-11-25; WHATWG server-sent events).
pub const LAST_EVENT_ID: &str = "last-event-id";
