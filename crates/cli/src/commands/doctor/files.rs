//! Who may read and write: the data folder, the configuration file, and as whom this runs.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use argus_config::{Auth, Config};
use nix::unistd::{AccessFlags, Uid, access, geteuid};
use secrecy::{ExposeSecret, SecretString};

use super::backends;
use super::configuration::Read;
use super::finding::Finding;

const NAME: &str = "permissions";
/// Files that are looked at in the data folder, at most.
const MOST: usize = 10_000;
/// A secret with fewer letters may stand in the file by chance.
const SHORT: usize = 8;

pub(super) fn check(data: Option<&Path>, config: Option<&Read>) -> Vec<Finding> {
    let mut findings = Vec::new();
    match data {
        Some(data) => findings.extend(folder(data)),
        None => findings.push(Finding::warning(
            NAME,
            "no data folder: the user's home folder is not known",
            "set ARGUS_STATE_DIR",
        )),
    }
    findings.extend(config.and_then(readable_secrets));
    if geteuid().is_root() {
        findings.push(Finding::new(
            NAME,
            super::Level::Ok,
            "this is root; as root, backends may do anything, too",
            "run the gateway as a user of its own, as deploy/systemd/argus-mcp.service does",
        ));
    }
    findings
}

fn folder(data: &Path) -> Vec<Finding> {
    if !data.exists() {
        return vec![to_be_made(data)];
    }
    if let Err(error) = probe(data) {
        return vec![Finding::error(
            NAME,
            format!("the data folder {} cannot be written: {error}", data.display()),
            "let the user of the gateway own it, or set ARGUS_STATE_DIR to another folder",
        )];
    }
    let open: Vec<PathBuf> = all_in(data).into_iter().filter(|path| others_may(path)).collect();
    match open.first() {
        None => vec![Finding::ok(
            NAME,
            format!("the data folder {} is its owner's only", data.display()),
        )],
        Some(first) => vec![Finding::warning(
            NAME,
            format!("other users may read {} in the data folder", first.display()),
            format!("chmod -R go-rwx {}", data.display()),
        )],
    }
}

fn to_be_made(data: &Path) -> Finding {
    let above = data
        .ancestors()
        .find(|folder| folder.exists())
        .unwrap_or(Path::new("/"));
    match access(above, AccessFlags::W_OK) {
        Ok(()) => Finding::ok(NAME, format!("the data folder {} will be made", data.display())),
        Err(_) => Finding::error(
            NAME,
            format!(
                "the data folder {} cannot be made in {}",
                data.display(),
                above.display()
            ),
            "make it and let the user of the gateway own it, or set ARGUS_STATE_DIR to another folder",
        ),
    }
}

/// Writes a file and removes it.
fn probe(folder: &Path) -> io::Result<()> {
    let probe = folder.join(".doctor");
    fs::write(&probe, "probe")?;
    fs::remove_file(probe)
}

/// The folder and what is in it.
fn all_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut next = 0;
    while next < found.len() && found.len() < MOST {
        if let Ok(entries) = fs::read_dir(&found[next])
            && !found[next].is_symlink()
        {
            found.extend(entries.flatten().map(|entry| entry.path()));
        }
        next += 1;
    }
    found
}

/// What is in a folder that is closed to others is closed, too.
fn others_may(path: &Path) -> bool {
    let about = path.symlink_metadata();
    about.is_ok_and(|about| about.is_dir() && about.mode() & 0o077 != 0 && about.uid() == Uid::effective().as_raw())
        || fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o077 != 0)
}

/// Secrets that stand in the file itself, where others may read it.
fn readable_secrets(read: &Read) -> Option<Finding> {
    // A pipe can be read once.
    let about = fs::metadata(&read.path).ok().filter(fs::Metadata::is_file)?;
    let mode = about.permissions().mode();
    let text = fs::read_to_string(&read.path).ok()?;
    let within = |secret: &SecretString| secret.expose_secret().len() >= SHORT && text.contains(secret.expose_secret());
    let key = secrets(&read.config).into_iter().find(|(_, secret)| within(secret));
    let (key, _) = key.filter(|_| mode & 0o044 != 0)?;
    let file = read.path.display();
    Some(Finding::warning(
        NAME,
        format!("{file} holds a secret ({key}) and other users may read it"),
        format!("chmod 600 {file}, or write ${{VARIABLE}} there and set the variable"),
    ))
}

/// Secrets, with the keys that hold them.
fn secrets(config: &Config) -> Vec<(String, &SecretString)> {
    let server = &config.server;
    let mut found: Vec<(String, &SecretString)> = Vec::new();
    found.extend(
        server
            .management
            .token
            .iter()
            .map(|token| ("server.management.token".to_owned(), token)),
    );
    found.extend(server.seal_keys.iter().map(|key| ("server.seal_keys".to_owned(), key)));
    for backend in backends(config) {
        let name = &backend.name;
        if let Some(process) = backend.transport.process() {
            let secret = process.env.iter().filter(|(variable, _)| sounds_secret(variable));
            found.extend(secret.map(|(variable, value)| (format!("backends.{name}.env.{variable}"), value)));
        }
        if let Some(remote) = backend.transport.remote() {
            let secret = remote.headers.iter().filter(|(header, _)| sounds_secret(header));
            found.extend(secret.map(|(header, value)| (format!("backends.{name}.headers.{header}"), value)));
            if let Some(Auth::Static { headers }) = &remote.auth {
                let named = headers.iter();
                found.extend(named.map(|(header, value)| (format!("backends.{name}.auth.headers.{header}"), value)));
            }
        }
    }
    found
}

fn sounds_secret(name: &str) -> bool {
    const SIGNS: [&str; 6] = ["auth", "token", "key", "secret", "passw", "credential"];
    let name = name.to_ascii_lowercase();
    SIGNS.iter().any(|sign| name.contains(sign))
}
