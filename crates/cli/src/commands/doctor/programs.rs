//! The commands of backends: whether they can be started, and where.

use std::env::split_paths;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use argus_config::{Config, Process};
use nix::unistd::{AccessFlags, access};
use secrecy::ExposeSecret;

use super::backends;
use super::finding::Finding;

const NAME: &str = "programs";

pub(super) fn check(config: &Config) -> Vec<Finding> {
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let processes = backends(config).filter_map(|backend| Some((backend.name.as_str(), backend.transport.process()?)));
    processes
        .map(|(name, process)| one(name, process, &inherited))
        .collect()
}

fn one(backend: &str, process: &Process, inherited: &OsString) -> Finding {
    if let Some(cwd) = process.cwd.as_deref().filter(|cwd| !cwd.is_dir()) {
        let message = format!("{backend}: the folder {} to start it in is not there", cwd.display());
        return Finding::error(
            NAME,
            message,
            format!("make the folder, or change backends.{backend}.cwd"),
        );
    }
    let command = &process.command;
    let path = process.env.get("PATH").map(|path| OsString::from(path.expose_secret()));
    let mut unusable = None;
    for candidate in candidates(
        command,
        process.cwd.as_deref(),
        &path.unwrap_or_else(|| inherited.clone()),
    ) {
        if !candidate.is_file() {
            continue;
        }
        if access(&candidate, AccessFlags::X_OK).is_ok() {
            return Finding::ok(NAME, format!("{backend}: {command} is {}", candidate.display()));
        }
        unusable.get_or_insert(candidate);
    }
    match unusable {
        Some(file) => Finding::error(
            NAME,
            format!("{backend}: {} cannot be executed by this user", file.display()),
            format!("chmod +x {}, or run the gateway as a user who may", file.display()),
        ),
        None if command.contains('/') => Finding::error(
            NAME,
            format!("{backend}: there is no program {command}"),
            format!("correct the path in backends.{backend}.command, or install the program there"),
        ),
        None => Finding::error(
            NAME,
            format!("{backend}: {command} is not on PATH"),
            format!(
                "{}, or give its whole path in backends.{backend}.command",
                installing(command)
            ),
        ),
    }
}

/// Where it would be looked for.
fn candidates(command: &str, cwd: Option<&Path>, path: &OsString) -> Vec<PathBuf> {
    let from = |place: PathBuf| match cwd {
        Some(cwd) => cwd.join(place),
        None => place,
    };
    if command.contains('/') {
        return vec![from(PathBuf::from(command))];
    }
    split_paths(path).map(|folder| from(folder).join(command)).collect()
}

/// What to do to have the usual starters of MCP servers.
fn installing(command: &str) -> String {
    match command {
        "npx" | "npm" | "node" => "install Node.js, which brings it (https://nodejs.org)".to_owned(),
        "uvx" | "uv" => "install uv, which brings it (https://docs.astral.sh/uv, or: pip install uv)".to_owned(),
        "python" | "python3" => "install Python 3 (on Debian: apt-get install python3)".to_owned(),
        "docker" => "install Docker (https://docs.docker.com/engine/install)".to_owned(),
        other => format!("install {other}"),
    }
}
