//! The data folder: what outlives the process.

use std::path::{Path, PathBuf};

use anyhow::Context;
use argus_gateway::Seal;
use etcetera::BaseStrategy;
use secrecy::{ExposeSecret, SecretString};
use tracing::warn;

use crate::environment;

/// Names the data folder.
const STATE_DIR: &str = "ARGUS_STATE_DIR";

/// `ARGUS_STATE_DIR`, else `argus-mcp` in the user's data folder (XDG base directories). `None`, with a warning, when it
/// cannot be made: then nothing outlives the process. `part` is for what must not meet the data of another gateway.
pub(super) fn folder(part: Option<&Path>) -> Option<PathBuf> {
    let folder = place()?;
    let folder = match part {
        Some(part) => folder.join(part),
        None => folder,
    };
    match make(&folder) {
        Ok(()) => Some(folder),
        Err(error) => {
            warn!(
                "the data folder {} cannot be used: {error}; set {STATE_DIR} to one that can",
                folder.display()
            );
            None
        }
    }
}

/// Where the data folder is, or would be.
pub(crate) fn place() -> Option<PathBuf> {
    if let Some(folder) = environment::chosen(STATE_DIR) {
        return std::path::absolute(folder).ok();
    }
    let strategy = etcetera::base_strategy::choose_base_strategy().ok()?;
    Some(strategy.data_dir().join("argus-mcp"))
}

/// Makes the folder for its owner only, and sees that it can be written to.
fn make(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let probe = folder.join(".writable");
    std::fs::write(&probe, "")?;
    std::fs::remove_file(probe)
}

/// The key that seals what clients carry: made from the secrets of the configuration, kept in the data folder, or made
/// for this run only.
pub(super) fn seal(secrets: &[SecretString], folder: Option<&Path>) -> anyhow::Result<Seal> {
    if let Some(seal) = Seal::of_secrets(secrets.iter().map(ExposeSecret::expose_secret)) {
        return Ok(seal);
    }
    let kept = folder.map(Seal::in_folder);
    match kept {
        Some(Ok(seal)) => Ok(seal),
        Some(Err(error)) => {
            warn!("{error}; what clients carry will not be accepted after a restart");
            Seal::ephemeral().context("cannot make a key")
        }
        None => Seal::ephemeral().context("cannot make a key"),
    }
}
