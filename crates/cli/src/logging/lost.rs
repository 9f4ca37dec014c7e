//! Lines that a log does not have.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A writer whose lines that could not be written are counted.
pub(super) struct Counting<W> {
    writer: W,
    unwritten: Arc<AtomicU64>,
}

impl<W> Counting<W> {
    /// The writer, and how many lines it could not write.
    pub(super) fn new(writer: W) -> (Self, Arc<AtomicU64>) {
        let unwritten = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&unwritten);
        (Self { writer, unwritten }, counter)
    }
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.writer.write(part)
    }

    /// Each line comes as one.
    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        self.writer.write_all(line).inspect_err(|_| {
            self.unwritten.fetch_add(1, Ordering::Relaxed);
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn what_a_full_disk_did_not_take_is_counted() {
        let (mut full, unwritten) = Counting::new(File::options().write(true).open("/dev/full").unwrap());
        for _ in 0..2 {
            assert!(full.write_all(b"a line\n").is_err());
        }
        assert_eq!(unwritten.load(Ordering::Relaxed), 2);
        let (mut taken, unwritten) = Counting::new(Vec::new());
        taken.write_all(b"a line\n").unwrap();
        assert_eq!(
            (taken.writer.as_slice(), unwritten.load(Ordering::Relaxed)),
            (&b"a line\n"[..], 0)
        );
    }
}
