//! Taking a name.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Entry, Name};

/// How often a name is tried: who looks whether a gateway is alive holds its lock for a moment, and one that is killed holds
/// it until its last thread is gone.
const TRIES: u32 = 25;
const PAUSE: Duration = Duration::from_millis(20);

/// A name that belongs to this process. It is free again when this is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub(crate) struct Claim {
    file: File,
    path: PathBuf,
}

/// Why a name cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClaimError {
    /// Another gateway has it.
    #[error("a gateway that is called `{0}` runs already; stop it with `argus-mcp stop {0}`, or choose another --name")]
    Taken(Name),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] io::Error),
}

impl Claim {
    /// Takes a name in a folder, which is made for its owner only.
    pub(crate) async fn of(folder: &Path, name: &Name) -> Result<Self, ClaimError> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join(format!("{name}.json"));
        match locked(&path, TRIES).await? {
            Some(file) => {
                // What a gateway left that is gone.
                file.set_len(0)?;
                Ok(Self { file, path })
            }
            None => Err(ClaimError::Taken(name.clone())),
        }
    }

    /// Says who has it. What was said before is written over at once, so that whoever reads meanwhile finds the one or the
    /// other, and a full disk keeps nothing from being said.
    pub(crate) fn tell(&mut self, entry: &Entry) -> io::Result<()> {
        let mut text = serde_json::to_string(entry)?;
        let before = usize::try_from(self.file.metadata()?.len()).unwrap_or_default();
        while text.len() + 1 < before {
            text.push(' ');
        }
        text.push('\n');
        self.file.write_all_at(text.as_bytes(), 0)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Nobody else removes it, or puts another one there, while the lock is held.
        drop(std::fs::remove_file(&self.path));
    }
}

/// The file at this place, made where there is none, and locked; `None` when others hold it at every try.
pub(super) async fn locked(path: &Path, tries: u32) -> io::Result<Option<File>> {
    for _ in 0..tries {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, path) => return Ok(Some(file)),
            // It was removed in between.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(None)
}

/// Whether this open file is the one at that place.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    let id = |known: io::Result<std::fs::Metadata>| known.ok().map(|known| (known.dev(), known.ino()));
    id(file.metadata()).is_some_and(|own| id(std::fs::metadata(path)) == Some(own))
}
