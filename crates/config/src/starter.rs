//! The file that `argus-mcp config init` writes.

const TEMPLATE: &str = include_str!("starter.yaml");

/// A commented configuration that works as it is. Its example backend is started with `program`, which must be this
/// project's program.
#[must_use]
pub fn starter(program: &str) -> String {
    let literal = program.replace("${", "$${");
    TEMPLATE.replace(
        "command: argus-mcp",
        &format!("command: {}", serde_json::Value::from(literal)),
    )
}
