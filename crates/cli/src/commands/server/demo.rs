//! The configuration of `--demo`: the example servers inside this program.

use std::io;

use serde_json::{Map, Value, json};

/// A configuration with each example server as a backend.
///
/// # Errors
/// The path of the running program cannot be found out.
pub(super) fn text() -> io::Result<String> {
    let program = std::env::current_exe()?;
    // It is no variable, whatever is in it.
    let program = program.to_string_lossy().replace("${", "$${");
    let backends: Map<String, Value> = argus_example::NAMES
        .iter()
        .map(|(name, _)| {
            let backend = json!({"type": "stdio", "command": program, "args": ["example", name]});
            ((*name).to_owned(), backend)
        })
        .collect();
    Ok(json!({ "backends": backends }).to_string())
}
