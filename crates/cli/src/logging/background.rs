//! Standard error of a gateway in the background: a file, which is begun anew when it has grown large.

use std::fs::{self, OpenOptions};
use std::io::{self, Stderr, Write};
use std::path::PathBuf;

/// How large the file grows, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Writes to a file that is open for appending. What was said before stays beside it, once.
pub(super) struct Bounded<W> {
    file: W,
    /// A link to the file, wherever it is now.
    link: PathBuf,
    written: u64,
    max_bytes: u64,
}

impl Bounded<Stderr> {
    pub(super) fn stderr() -> Self {
        Self {
            file: io::stderr(),
            link: "/proc/self/fd/2".into(),
            written: 0,
            max_bytes: MAX_BYTES,
        }
    }
}

impl<W> Bounded<W> {
    /// If that fails, the file grows on, and the next attempt is as far away again.
    fn begin_anew(&mut self) -> io::Result<()> {
        self.written = 0;
        let path = fs::read_link(&self.link)?;
        fs::copy(&path, path.with_extension("log.1"))?;
        OpenOptions::new().write(true).open(path)?.set_len(0)
    }
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.written + line.len() as u64 > self.max_bytes {
            drop(self.begin_anew());
        }
        let written = self.file.write(line)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_would_grow_too_large_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("detached-a.log"), folder.path().join("link"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        let mut log = Bounded {
            file,
            link,
            written: 0,
            max_bytes: 10,
        };
        for line in ["1234567\n", "next\n", "n\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "next\nn\n");
        let before = fs::read_to_string(folder.path().join("detached-a.log.1")).unwrap();
        assert_eq!(before, "1234567\n");
    }
}
