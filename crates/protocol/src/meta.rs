//! Keys of `_meta` that the protocol defines (MCP 2026-07-28).

/// The protocol version of a modern request; required.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
/// What the client can do; required.
pub const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Who the client is.
pub const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
/// The least severe log level the client wants during this request.
pub const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// Who the server is, on results.
pub const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// Which `subscriptions/listen` a notification belongs to: the id of that request.
pub const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// The token that ties progress notifications to a request (every revision).
pub const PROGRESS_TOKEN: &str = "progressToken";
/// The task that a message belongs to (MCP 2025-11-25 "Tasks").
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
