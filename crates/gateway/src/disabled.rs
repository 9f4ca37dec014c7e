//! Which backends an operator switched off, kept in a file of the data folder.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// The form of the file; one of another form is ignored.
const VERSION: u32 = 1;
/// A larger file is none of ours, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// The names of backends that are not to run.
#[derive(Debug, Default)]
pub(crate) struct Disabled {
    file: Option<PathBuf>,
    names: Mutex<BTreeSet<String>>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    version: u32,
    disabled: BTreeSet<String>,
}

impl Disabled {
    /// As kept in a folder, or nowhere. What cannot be read counts as nothing, with a warning. What is `sole` of the
    /// folder keeps there what becomes of it; who is not would overwrite what the other one keeps.
    pub(crate) fn in_folder(folder: Option<&Path>, sole: bool) -> Self {
        let Some(file) = folder.map(|folder| folder.join("disabled.json")) else {
            return Self::default();
        };
        let names = match read(&file) {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            Err(error) => {
                tracing::warn!(%error, "which backends are disabled cannot be read in {}; all are started", file.display());
                BTreeSet::new()
            }
        };
        Self {
            file: sole.then_some(file),
            names: Mutex::new(names),
        }
    }

    /// Whether a backend is not to run.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names().contains(name)
    }

    /// Switches a backend off, or on again. It is so even if that cannot be kept.
    pub(crate) fn set(&self, name: &str, disabled: bool) {
        let mut names = self.names();
        let news = match disabled {
            true => names.insert(name.to_owned()),
            false => names.remove(name),
        };
        if news {
            self.keep(&names);
        }
    }

    fn keep(&self, names: &BTreeSet<String>) {
        let Some(file) = &self.file else { return };
        if let Err(error) = write(file, names) {
            tracing::warn!(
                %error,
                "which backends are disabled cannot be kept in {}; the next start does not know",
                file.display()
            );
        }
    }

    fn names(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> io::Result<BTreeSet<String>> {
    if std::fs::metadata(file)?.len() > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let content: Content = serde_json::from_slice(&std::fs::read(file)?)?;
    match content.version {
        VERSION => Ok(content.disabled),
        other => Err(io::Error::other(format!("it is of version {other}"))),
    }
}

/// Writes the file as a whole; it is for its owner only.
fn write(file: &Path, names: &BTreeSet<String>) -> io::Result<()> {
    let text = serde_json::to_vec(&Content {
        version: VERSION,
        disabled: names.clone(),
    })?;
    if let Some(folder) = file.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let draft = file.with_extension(format!("{}.tmp", std::process::id()));
    let written = draft_at(&draft, &text).and_then(|()| std::fs::rename(&draft, file));
    if written.is_err() {
        // It may not be there at all.
        let _ = std::fs::remove_file(&draft);
    }
    written
}

fn draft_at(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let mut draft = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    draft.write_all(text)?;
    draft.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_outlive_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let there = || Disabled::in_folder(Some(folder.path()), true);
        let first = there();
        assert!(!first.has("a"));
        first.set("a", true);
        first.set("a b/ü", true);
        first.set("a", true);
        assert!(there().has("a") && there().has("a b/ü"));
        first.set("a", false);
        assert!(!there().has("a") && there().has("a b/ü"));
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "no draft is left: {names:?}");
    }

    #[test]
    fn junk_is_ignored_and_a_folder_in_the_way_is_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("disabled.json");
        for junk in ["", "junk", "[]", r#"{"version":2,"disabled":["a"]}"#] {
            std::fs::write(&file, junk).unwrap();
            assert!(!Disabled::in_folder(Some(folder.path()), true).has("a"), "{junk}");
        }
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        let disabled = Disabled::in_folder(Some(folder.path()), true);
        disabled.set("a", true);
        assert!(disabled.has("a"), "it is so, although it cannot be kept");
        let nowhere = Disabled::in_folder(None, true);
        nowhere.set("a", true);
        assert!(nowhere.has("a"));
    }
}
