//! The gateway that is measured.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use nix::unistd::Pid;
use serde_json::json;

use crate::arguments::Kind;
use crate::process::Running;

/// What the gateway has behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behind {
    /// The backend on this port.
    Http(u16),
    /// A process of its own.
    Stdio(Kind),
}

/// A gateway that runs.
#[derive(Debug)]
pub(crate) struct Argus {
    running: Running,
    pub(crate) port: u16,
}

impl Argus {
    /// Starts it with one backend and no request log, as nginx has none, with its files in `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) async fn start(program: &Path, folder: &Path, behind: Behind) -> anyhow::Result<Self> {
        let backend = match behind {
            Behind::Http(port) => {
                json!({"type": "streamable-http", "url": format!("http://127.0.0.1:{port}/mcp")})
            }
            Behind::Stdio(kind) => {
                let bench = std::env::current_exe()?;
                json!({"type": "stdio", "command": bench, "args": kind.arguments("stdio-backend")})
            }
        };
        let config = folder.join("config.yaml");
        // YAML is a superset of JSON.
        std::fs::write(
            &config,
            json!({
                "server": {"max_sessions_per_caller": 10_000},
                "backends": {"bench": backend},
            })
            .to_string(),
        )?;
        let mut command = Command::new(program);
        command
            .args(["server", "--port", "0", "--log-dir", "none", "--quiet", "--config"])
            .arg(&config)
            .env("ARGUS_STATE_DIR", folder.join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut running = Running::start(&mut command, "build it with `cargo build --release -p argus-mcp`")?;
        let port = Running::says(running.stderr()?, |line| {
            line.split_once(" listening on http://127.0.0.1:")?
                .1
                .strip_suffix("/mcp")?
                .parse()
                .ok()
        });
        let port = port.await.with_context(|| program.display().to_string())?;
        Ok(Self { running, port })
    }

    pub(crate) fn pid(&self) -> Pid {
        self.running.pid()
    }

    /// The guards of its backends, which do nothing while calls pass.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(crate) fn guards(&self) -> anyhow::Result<Vec<Pid>> {
        self.running.children()
    }
}

/// The gateway that was named, or the one of this workspace, which is built anew.
///
/// # Errors
/// When there is none.
pub(crate) fn program(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        return named.canonicalize().with_context(|| named.display().to_string());
    }
    let (Some(cargo), Some(folder)) = (std::env::var_os("CARGO"), std::env::var_os("CARGO_MANIFEST_DIR")) else {
        bail!("name the gateway with --argus PATH, or start with `cargo run --release -p argus-bench`");
    };
    let output = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--package",
            "argus-mcp",
            "--message-format",
            "json-render-diagnostics",
        ])
        .current_dir(folder)
        .stderr(Stdio::inherit())
        .output()?;
    let built = String::from_utf8_lossy(&output.stdout)
        .lines()
        .rev()
        .find_map(executable);
    built
        .filter(|_| output.status.success())
        .context("argus-mcp cannot be built")
}

/// The program that a message of cargo names.
fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    message.get("executable")?.as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_names_the_program() {
        let message = r#"{"reason":"compiler-artifact","executable":"/x/argus-mcp"}"#;
        assert_eq!(executable(message), Some(PathBuf::from("/x/argus-mcp")));
        assert_eq!(executable(r#"{"reason":"build-finished","executable":null}"#), None);
        assert!(program(Some(Path::new("/no/such/program"))).is_err());
    }
}
