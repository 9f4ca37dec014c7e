//! The argus-mcp binary.
fn main() {}
