//! The backends: `argus-odd` with a script, in each generation over each transport.

use std::time::Duration;

use argus_testkit::{Journal, OddServer, is_gone, odd_program, until};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::kinds::{Over, Side, Speaks};
use crate::script::script;
use crate::wire::ARGUS;

/// A backend, and the folder that says what becomes of it.
pub(crate) struct Backend {
    pub(crate) side: Side,
    pub(crate) journal: Journal,
    config: Value,
    folder: TempDir,
    _server: Option<OddServer>,
}

impl Backend {
    pub(crate) fn start(side: Side) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let journal = Journal::at(path("journal"));
        std::fs::write(path("script"), script(side.speaks, folder.path())).unwrap();
        let era = match side.speaks {
            Speaks::Legacy => "legacy",
            Speaks::Modern => "modern",
            Speaks::Both => "both",
        };
        let (script, journal_path) = (path("script"), path("journal"));
        let arguments = [
            "verbatim",
            "--script",
            &script,
            "--era",
            era,
            "--journal",
            &journal_path,
        ];
        let program = odd_program(ARGUS);
        let (config, server) = match side.over {
            Over::Stdio => (json!({"type": "stdio", "command": program, "args": arguments}), None),
            Over::Sse => {
                let server = OddServer::start(program, "--sse", &arguments);
                (json!({"type": "sse", "url": server.url()}), Some(server))
            }
            Over::Http => {
                let server = OddServer::start(program, "--http", &arguments);
                (json!({"type": "streamable-http", "url": server.url()}), Some(server))
            }
        };
        Self {
            side,
            journal,
            config,
            folder,
            _server: server,
        }
    }

    /// The configuration of a gateway in front of it.
    pub(crate) fn config(&self) -> Value {
        // Long enough for a machine that is busy.
        json!({"server": {"startup_wait": 20}, "backends": {"odd": self.config}})
    }

    /// From now on it has other tools.
    pub(crate) fn change_tools(&self) {
        std::fs::write(self.folder.path().join("tools"), "").unwrap();
    }

    /// What is watched changes.
    pub(crate) fn change_resource(&self) {
        std::fs::write(self.folder.path().join("resource"), "").unwrap();
    }

    /// Nothing is left of the processes that a gateway started.
    pub(crate) async fn assert_gone(&self) {
        let left = || {
            let mut started = self.journal.all("start").into_iter().map(|entry| entry.pid);
            started.find(|&pid| !is_gone(pid))
        };
        if self.side.over == Over::Stdio {
            assert!(!self.journal.all("start").is_empty());
            assert!(
                until(Duration::from_secs(10), || left().is_none()).await,
                "{:?}",
                left()
            );
        }
    }
}
