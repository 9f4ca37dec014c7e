//! The file of the journal.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A longer journal is none that was written here.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// So much may be added before the file is written anew, however short it was then.
const MIN_ADDED: u64 = 1024 * 1024;

/// The file, which is this process's alone.
#[derive(Debug)]
pub(super) struct File {
    path: PathBuf,
    /// Two processes with one data folder must not write into one journal.
    lock: Option<fs::File>,
    /// `None` until the file was written anew.
    open: Option<fs::File>,
    /// What it had then.
    base: u64,
    added: u64,
}

impl File {
    /// Takes possession of the journal in a folder.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut options = OpenOptions::new();
        let lock = options.write(true).create(true).truncate(false).mode(0o600);
        let lock = lock.open(folder.join("sessions.lock"))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another gateway uses this data folder; give each its own (`--name NAME`, or ARGUS_STATE_DIR)",
            ),
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Self {
            path: folder.join("sessions.journal"),
            lock: Some(lock),
            open: None,
            base: 0,
            added: 0,
        })
    }

    /// All of it; `None` when there is none.
    pub(super) fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let file = match fs::File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut text)?;
        if text.len() as u64 > MAX_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than 256 MiB"));
        }
        Ok(Some(text))
    }

    /// Whether so much was added that it should be written anew.
    pub(super) fn is_long(&self) -> bool {
        self.added > self.base.max(MIN_ADDED)
    }

    /// Adds lines. After a failure the file must be written anew: part of a line may stand at its end.
    pub(super) fn append(&mut self, text: &[u8]) -> io::Result<()> {
        let Some(file) = &mut self.open else {
            return Err(io::Error::other("the journal was not written anew"));
        };
        file.write_all(text)?;
        self.added += text.len() as u64;
        Ok(())
    }

    /// Writes it as a whole: after a crash the old one is there, or the new one. It is for its owner only.
    pub(super) fn write_anew(&mut self, text: &[u8]) -> io::Result<()> {
        self.open = None;
        let draft = self.path.with_extension("journal.new");
        let written = draft_at(&draft, text).and_then(|file| fs::rename(&draft, &self.path).map(|()| file));
        match written {
            Ok(file) => {
                self.open = Some(file);
                self.base = text.len() as u64;
                self.added = 0;
                Ok(())
            }
            Err(error) => {
                let _ = fs::remove_file(&draft);
                Err(error)
            }
        }
    }

    /// Leaves it to the next process.
    pub(super) fn release(&mut self) {
        self.open = None;
        self.lock = None;
    }

    /// Sees to it that a crash of the machine loses nothing of it.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.open.as_ref().map_or(Ok(()), fs::File::sync_data)
    }
}

fn draft_at(path: &Path, text: &[u8]) -> io::Result<fs::File> {
    // What is there may be another's, with other rights.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_data()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn is_written_added_to_and_read_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("new");
        let mut file = File::open(&inner).unwrap();
        assert!(file.read().unwrap().is_none());
        assert!(file.append(b"x").is_err(), "nobody knows what it would follow");
        file.write_anew(b"a\n").unwrap();
        file.append(b"b\n").unwrap();
        file.sync().unwrap();
        assert_eq!(file.read().unwrap().unwrap(), b"a\nb\n");
        file.write_anew(b"c\n").unwrap();
        file.append(b"d\n").unwrap();
        assert_eq!(file.read().unwrap().unwrap(), b"c\nd\n");
        for entry in fs::read_dir(&inner).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(
                entry.metadata().unwrap().permissions().mode() & 0o777,
                0o600,
                "{entry:?}"
            );
        }
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 2, "the lock and the journal");
    }

    #[test]
    fn is_of_one_process_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = File::open(folder.path()).unwrap();
        let error = File::open(folder.path()).unwrap_err();
        let said = error.to_string();
        assert!(said.contains("another gateway") && said.contains("--name"), "{said}");
        drop(first);
        let mut second = File::open(folder.path()).unwrap();
        second.release();
        File::open(folder.path()).unwrap();
    }

    #[test]
    fn grows_by_as_much_as_it_had_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = File::open(folder.path()).unwrap();
        let half = vec![b'x'; 600_000];
        file.write_anew(b"a\n").unwrap();
        file.append(&half).unwrap();
        assert!(!file.is_long());
        file.append(&half).unwrap();
        assert!(file.is_long());
        file.write_anew(&[half.clone(), half.clone(), half.clone()].concat())
            .unwrap();
        file.append(&half).unwrap();
        file.append(&half).unwrap();
        assert!(!file.is_long());
        file.append(&half).unwrap();
        file.append(&half).unwrap();
        assert!(file.is_long());
    }

    #[test]
    fn a_failure_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = File::open(folder.path()).unwrap();
        file.write_anew(b"a\n").unwrap();
        fs::create_dir(folder.path().join("sessions.journal.new")).unwrap();
        assert!(file.write_anew(b"b\n").is_err());
        assert!(file.append(b"c\n").is_err());
        assert_eq!(file.read().unwrap().unwrap(), b"a\n");
        fs::remove_dir(folder.path().join("sessions.journal.new")).unwrap();
        file.write_anew(b"b\n").unwrap();
        assert_eq!(file.read().unwrap().unwrap(), b"b\n");
    }
}
