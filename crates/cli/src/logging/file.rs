//! The log file: `argus_<time>.log`, a new one when it has grown large, the oldest ones removed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// How large a file grows before the next one begins, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// How many files are kept in the folder, the current one included.
const MAX_FILES: usize = 10;

/// Writes to the newest file of a folder.
pub(super) struct LogFile {
    folder: PathBuf,
    file: File,
    written: u64,
    max_bytes: u64,
}

impl LogFile {
    /// Makes the folder if need be and begins a file in it.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let (file, written) = begin(folder)?;
        prune(folder);
        Ok(Self {
            folder: folder.to_owned(),
            file,
            written,
            max_bytes: MAX_BYTES,
        })
    }

    /// Begins the next file. If that fails, the current one goes on, and the next attempt is as far away again.
    fn rotate(&mut self) {
        self.written = 0;
        if let Ok((file, written)) = begin(&self.folder) {
            self.file = file;
            self.written = written;
            prune(&self.folder);
        }
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.written + line.len() as u64 > self.max_bytes {
            self.rotate();
        }
        let written = self.file.write(line)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Opens the file of this second, which may be there already, for its owner only, and gives its size.
fn begin(folder: &Path) -> io::Result<(File, u64)> {
    let name = Timestamp::now().strftime("argus_%Y%m%d_%H%M%S.log").to_string();
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(folder.join(name))?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

/// Removes the oldest log files beyond the number that is kept; nothing else in the folder is touched.
fn prune(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_log_file(name))
        .collect();
    names.sort_unstable();
    let surplus = names.len().saturating_sub(MAX_FILES);
    for name in &names[..surplus] {
        drop(fs::remove_file(folder.join(name)));
    }
}

/// Whether the name is one that [`begin`] gives.
fn is_log_file(name: &str) -> bool {
    let Some(time) = name.strip_prefix("argus_").and_then(|rest| rest.strip_suffix(".log")) else {
        return false;
    };
    let is_number = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    time.split_once('_')
        .is_some_and(|(date, clock)| is_number(date, 8) && is_number(clock, 6))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_would_grow_too_large_is_followed_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFile::open(folder.path()).unwrap();
        log.max_bytes = 10;
        log.write_all(b"12345678\n").unwrap();
        fs::rename(
            folder.path().join(&names(folder.path())[0]),
            folder.path().join("argus_20000101_000000.log"),
        )
        .unwrap();
        log.write_all(b"next\n").unwrap();
        let names = names(folder.path());
        assert_eq!(names.len(), 2);
        assert!(is_log_file(&names[1]), "{names:?}");
        assert_eq!(fs::read_to_string(folder.path().join(&names[0])).unwrap(), "12345678\n");
        assert_eq!(fs::read_to_string(folder.path().join(&names[1])).unwrap(), "next\n");
    }

    #[test]
    fn only_the_newest_files_are_kept_and_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for second in 0..15 {
            fs::write(folder.path().join(format!("argus_20000101_0000{second:02}.log")), "").unwrap();
        }
        fs::write(folder.path().join("argus_notes.log"), "").unwrap();
        LogFile::open(folder.path()).unwrap();
        let names = names(folder.path());
        assert_eq!(names.len(), MAX_FILES + 1);
        assert!(names.contains(&"argus_notes.log".to_owned()));
        assert!(names.contains(&"argus_20000101_000014.log".to_owned()));
        assert!(!names.contains(&"argus_20000101_000005.log".to_owned()));
    }

    #[test]
    fn a_full_disk_is_an_error_of_the_writer_only() {
        let mut log = LogFile {
            folder: "/nonexistent".into(),
            file: File::options().write(true).open("/dev/full").unwrap(),
            written: 0,
            max_bytes: 10,
        };
        assert!(log.write_all(b"line\n").is_err());
        assert!(log.write_all(b"a line that is too long\n").is_err());
    }
}
