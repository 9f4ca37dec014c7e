//! MCP servers inside the binary (argus-mcp example).
