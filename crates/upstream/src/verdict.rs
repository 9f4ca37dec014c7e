//! Which eras a backend speaks, as far as it was found out.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

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
}

impl Verdicts {
    /// Keeps verdicts in `folder`, or nowhere.
    #[must_use]
    pub fn in_folder(folder: Option<&Path>) -> Self {
        Self {
            folder: folder.map(|folder| folder.join("eras")),
        }
    }

    /// Removes what is kept of all other definitions than those with these digests.
    pub fn keep_only(&self, digests: &HashSet<String>) {
        if let Some(folder) = &self.folder {
            leftovers::remove(folder, digests);
        }
    }

    pub(crate) fn load(&self, digest: &str) -> Verdict {
        let read = self.file(digest).and_then(|file| std::fs::read(file).ok());
        read.and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    pub(crate) fn save(&self, digest: &str, verdict: Verdict) {
        let (Some(folder), Some(file)) = (&self.folder, self.file(digest)) else {
            return;
        };
        let Ok(text) = serde_json::to_vec(&verdict) else { return };
        let kept = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(file, text));
        if let Err(error) = kept {
            tracing::debug!(%error, "the era of a backend cannot be kept");
        }
    }

    fn file(&self, digest: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{digest}.json")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
