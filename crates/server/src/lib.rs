//! The HTTP faces: mcp and manage; one file per operation.
