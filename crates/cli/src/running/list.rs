//! Who is there.

use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::path::Path;

use super::claim::is_at;
use super::{Entry, Name};

/// The longest file that is read.
const LONGEST: u64 = 64 * 1024;

/// The gateways that run, by name. What is left of others is removed.
pub(crate) fn list(folder: &Path) -> Vec<Entry> {
    let Ok(files) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = files.filter_map(|file| Some(file.ok()?.path()));
    let mut found: Vec<Entry> = paths.filter_map(|path| look(&path)).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// What is said now of the gateway with this name.
pub(crate) fn named(folder: &Path, name: &Name) -> Option<Entry> {
    look(&folder.join(format!("{name}.json")))
}

fn look(path: &Path) -> Option<Entry> {
    let name: Name = path.file_name()?.to_str()?.strip_suffix(".json")?.parse().ok()?;
    let file = File::open(path).ok()?;
    match file.try_lock() {
        Ok(()) => {
            if is_at(&file, path) {
                drop(fs::remove_file(path));
            }
            return None;
        }
        Err(TryLockError::WouldBlock) => {}
        // A file system without locks: the process alone tells.
        Err(TryLockError::Error(_)) => {}
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    // A gateway that is about to start has not said anything yet.
    let entry: Entry = serde_json::from_str(&text).ok()?;
    (entry.name == name && entry.is_alive()).then_some(entry)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::entry::tests::own;
    use super::super::{Claim, ClaimError};
    use super::*;

    #[tokio::test]
    async fn a_name_is_held_for_as_long_as_it_is_claimed() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("sessions");
        assert_eq!(list(&folder), []);
        let entry = own("a");
        let mut claim = Claim::of(&folder, &entry.name).await.unwrap();
        assert_eq!(list(&folder), [], "it has not said anything yet");
        claim.tell(&entry).unwrap();
        assert_eq!(list(&folder), std::slice::from_ref(&entry));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("a.json"))), (0o700, 0o600));

        let refused = Claim::of(&folder, &entry.name).await.unwrap_err();
        assert!(matches!(refused, ClaimError::Taken(_)), "{refused}");
        assert!(refused.to_string().contains("argus-mcp stop a"), "{refused}");
        assert_eq!(list(&folder), std::slice::from_ref(&entry));

        let stopping = Entry {
            stopping: true,
            ..entry.clone()
        };
        claim.tell(&stopping).unwrap();
        assert_eq!(
            named(&folder, &entry.name),
            Some(stopping),
            "the shorter text is not mixed with the longer one"
        );

        drop(claim);
        assert_eq!(named(&folder, &entry.name), None);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        Claim::of(&folder, &entry.name).await.unwrap();
    }

    #[test]
    fn what_nobody_holds_is_not_true_and_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        // The process is there, but it is no gateway: it does not hold the lock.
        let text = serde_json::to_string(&own("stale")).unwrap();
        fs::write(folder.path().join("stale.json"), text).unwrap();
        fs::write(folder.path().join("junk.json"), "{").unwrap();
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        assert_eq!(list(folder.path()), []);
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1);
        assert!(folder.path().join("notes.txt").exists());
    }

    #[tokio::test]
    async fn a_lock_alone_does_not_make_another_process_a_gateway() {
        let folder = tempfile::tempdir().unwrap();
        let mut entry = own("a");
        let mut claim = Claim::of(folder.path(), &entry.name).await.unwrap();
        entry.pid = 1;
        claim.tell(&entry).unwrap();
        assert_eq!(list(folder.path()), []);
        assert!(
            folder.path().join("a.json").exists(),
            "whoever holds it may be in another container"
        );
    }
}
