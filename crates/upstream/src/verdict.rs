//! Which eras a backend speaks, as far as it was found out.

use std::collections::{HashMap, HashSet};
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::leftovers;

/// What is known; `None` is "not tried".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) legacy: Option<bool>,
    pub(crate) modern: Option<bool>,
}

/// The verdicts of earlier runs, one small file per definition. Losing them costs a probe.
#[derive(Debug, Clone, Default)]
pub struct Verdicts {
    folder: Option<PathBuf>,
    /// Those that are not in their files yet, by digest. Locked for a moment only.
    unwritten: Arc<Mutex<HashMap<String, Verdict>>>,
    /// Held while one is written.
    writing: Arc<Mutex<()>>,
}

impl Verdicts {
    /// Keeps verdicts in `folder`, or nowhere.
    #[must_use]
    pub fn in_folder(folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map(|folder| folder.join("eras")),
            ..Self::default()
        }
    }

    /// Removes what is kept of all other definitions than those with these digests.
    pub fn keep_only(&self, digests: &HashSet<String>) {
        if let Some(folder) = &self.folder {
            leftovers::remove(folder, digests);
        }
    }

    pub(crate) fn load(&self, digest: &str) -> Verdict {
        let unwritten = self.unwritten().get(digest).copied();
        if let Some(verdict) = unwritten {
            return verdict;
        }
        let read = self.file(digest).and_then(|file| std::fs::read(file).ok());
        read.and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    /// Keeps a verdict. Nobody waits for the disk.
    pub(crate) fn save(&self, digest: &str, verdict: Verdict) {
        if self.folder.is_none() {
            return;
        }
        self.unwritten().insert(digest.to_owned(), verdict);
        let (this, digest) = (self.clone(), digest.to_owned());
        let write = move || this.write(&digest);
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(write)),
            Err(_) => write(),
        }
    }

    /// Writes what was said last, unless that is done.
    fn write(&self, digest: &str) {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let unwritten = self.unwritten().get(digest).copied();
        let (Some(verdict), Some(folder), Some(file)) = (unwritten, &self.folder, self.file(digest)) else {
            return;
        };
        let Ok(text) = serde_json::to_vec(&verdict) else { return };
        let kept = private(folder, &file, &text);
        if let Err(error) = kept {
            tracing::debug!(%error, "the era of a backend cannot be kept");
        }
        let mut unwritten = self.unwritten();
        if unwritten.get(digest) == Some(&verdict) {
            unwritten.remove(digest);
        }
    }

    fn unwritten(&self) -> MutexGuard<'_, HashMap<String, Verdict>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, digest: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{digest}.json")))
    }
}

/// Writes a file that is for its owner only, in such a folder, also where an earlier version left both open.
fn private(folder: &Path, file: &Path, text: &[u8]) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_their_owners_only() {
        let folder = tempfile::tempdir().unwrap();
        let (eras, file) = (folder.path().join("eras"), folder.path().join("eras/a.json"));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let verdicts = Verdicts::in_folder(Some(folder.path()));
        verdicts.save("a", Verdict::default());
        assert_eq!((mode(&eras), mode(&file)), (0o700, 0o600));
        for (path, open) in [(&eras, 0o755), (&file, 0o644)] {
            std::fs::set_permissions(path, Permissions::from_mode(open)).unwrap();
        }
        verdicts.save("a", Verdict::default());
        assert_eq!((mode(&eras), mode(&file)), (0o700, 0o600));
    }

    #[test]
    fn verdicts_outlive_the_process_and_junk_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let verdicts = Verdicts::in_folder(Some(folder.path()));
        assert_eq!(verdicts.load("a"), Verdict::default());
        let known = Verdict {
            legacy: Some(true),
            modern: Some(false),
        };
        verdicts.save("a", known);
        assert_eq!(Verdicts::in_folder(Some(folder.path())).load("a"), known);
        std::fs::write(folder.path().join("eras/a.json"), "junk").unwrap();
        assert_eq!(verdicts.load("a"), Verdict::default());
    }

    #[tokio::test]
    async fn nobody_waits_for_the_disk_and_the_last_word_counts() {
        let folder = tempfile::tempdir().unwrap();
        let verdicts = Verdicts::in_folder(Some(folder.path()));
        let file = folder.path().join("eras/a.json");
        let last = Verdict {
            legacy: Some(true),
            modern: Some(true),
        };
        let slow = Arc::clone(&verdicts.writing);
        let disk = slow.lock().unwrap();
        verdicts.save("a", Verdict::default());
        verdicts.save("a", last);
        assert_eq!((verdicts.load("a"), file.exists()), (last, false));
        drop(disk);
        while !verdicts.unwritten().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(Verdicts::in_folder(Some(folder.path())).load("a"), last);
    }

    #[test]
    fn others_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let verdicts = Verdicts::in_folder(Some(folder.path()));
        let (kept, other) = ("a".repeat(64), "b".repeat(64));
        for digest in [&kept, &other, &"notes".to_owned()] {
            verdicts.save(digest, Verdict::default());
        }
        verdicts.keep_only(&HashSet::from([kept.clone()]));
        let left = |name: &str| folder.path().join(format!("eras/{name}.json")).exists();
        assert!(left(&kept) && !left(&other) && left("notes"));
    }
}
