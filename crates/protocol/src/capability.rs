//! Names of capabilities and of extensions.

/// The capability of tasks (MCP 2025-11-25 "Tasks").
pub const TASKS: &str = "tasks";
/// The member of the capabilities of MCP 2026-07-28 that names extensions.
pub const EXTENSIONS: &str = "extensions";
/// The extension of MCP 2026-07-28 with tasks (SEP-2663).
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";
