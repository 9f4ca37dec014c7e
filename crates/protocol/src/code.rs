//! JSON-RPC and MCP error codes.
//!
//! Source: JSON-RPC 2.0 section 5.1; MCP 2026-07-28 "Error codes"; MCP 2025-11-25 for the two that ended with it.

/// The body is not JSON (JSON-RPC 2.0).
pub const PARSE_ERROR: i64 = -32700;
/// The body is JSON but not a request (JSON-RPC 2.0).
pub const INVALID_REQUEST: i64 = -32600;
/// The method does not exist or is not offered (JSON-RPC 2.0).
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The parameters are wrong, unknown names and URIs included (JSON-RPC 2.0; MCP 2026-07-28).
pub const INVALID_PARAMS: i64 = -32602;
/// The peer failed (JSON-RPC 2.0).
pub const INTERNAL_ERROR: i64 = -32603;

/// A legacy peer's word for an unknown resource (MCP up to 2025-11-25; replaced by [`INVALID_PARAMS`]).
pub const RESOURCE_NOT_FOUND: i64 = -32002;
/// A legacy peer needs the user to open a URL first (MCP 2025-11-25; not to be sent to modern peers).
pub const URL_ELICITATION_REQUIRED: i64 = -32042;

/// A header and the body disagree, or a required header is absent (MCP 2026-07-28).
pub const HEADER_MISMATCH: i64 = -32020;
/// The request needs a client capability that was not declared (MCP 2026-07-28).
pub const MISSING_CLIENT_CAPABILITY: i64 = -32021;
/// The protocol version is not spoken here (MCP 2026-07-28).
pub const UNSUPPORTED_VERSION: i64 = -32022;

/// The backend cannot be reached or failed (in the implementation-defined range of JSON-RPC 2.0).
pub const BACKEND_UNAVAILABLE: i64 = -32010;
/// The backend failed too often to be called now (in the implementation-defined range of JSON-RPC 2.0).
pub const BACKEND_RESTING: i64 = -32012;
/// The backend did not answer in time (in the implementation-defined range of JSON-RPC 2.0).
pub const BACKEND_TIMEOUT: i64 = -32011;
