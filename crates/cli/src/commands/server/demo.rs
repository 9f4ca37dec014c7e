//! The configuration of `--demo`: the example servers inside this program.

use std::io;
use std::path::Path;
use std::sync::Arc;

use argus_config::{
    Backend, BackendEntry, BackendKind, Config, Filters, Health, Process, Protocol, Timeouts, Transport, Usage,
};
use indexmap::IndexMap;

/// The group of a backend that names none.
const GROUP: &str = "default";

/// A configuration with each example server as a backend.
///
/// # Errors
/// The path of the running program cannot be found out.
pub(super) fn config() -> io::Result<Config> {
    let program = std::env::current_exe()?;
    let backends = argus_example::NAMES
        .iter()
        .map(|(name, _)| entry(name, &program))
        .collect();
    Ok(Config {
        backends,
        ..Config::default()
    })
}

fn entry(name: &str, program: &Path) -> BackendEntry {
    let backend = Backend {
        name: name.to_owned(),
        group: GROUP.to_owned(),
        protocol: Protocol::Auto,
        transport: Transport::Stdio(Process {
            command: program.to_string_lossy().into_owned(),
            args: vec!["example".to_owned(), name.to_owned()],
            env: IndexMap::new(),
            cwd: None,
        }),
        filters: Filters::default(),
        tool_overrides: IndexMap::new(),
        timeouts: Timeouts::preset(BackendKind::Stdio),
        usage: Usage::default(),
        health: Health::default(),
        labels: IndexMap::new(),
    };
    BackendEntry {
        name: name.to_owned(),
        group: GROUP.to_owned(),
        kind: BackendKind::Stdio,
        labels: IndexMap::new(),
        definition: Ok(Arc::new(backend)),
    }
}
