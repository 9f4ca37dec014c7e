//! What a server writes to stderr: read line by line, the last lines kept.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The lines a ring keeps.
const MAX_LINES: usize = 200;

/// The bytes a ring keeps, over all lines.
const MAX_BYTES: usize = 128 << 10;

/// The bytes of a line; what follows is left out.
const MAX_LINE: usize = 8 << 10;

/// Stands where a line was cut.
const CUT: &str = "…";

/// The last 200 lines (at most 128 KiB) that a server wrote. Clones share the same lines.
#[derive(Clone, Debug, Default)]
pub struct StderrRing(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<String>,
    bytes: usize,
}

impl StderrRing {
    /// Adds a line, and forgets the oldest ones when there are too many.
    pub fn push(&self, line: impl Into<String>) {
        let line = line.into();
        let mut kept = self.kept();
        kept.bytes += line.len();
        kept.lines.push_back(line);
        while kept.lines.len() > MAX_LINES || (kept.bytes > MAX_BYTES && kept.lines.len() > 1) {
            kept.bytes -= kept.lines.pop_front().map_or(0, |oldest| oldest.len());
        }
    }

    /// The kept lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.kept().lines.iter().cloned().collect()
    }

    /// The newest line.
    #[must_use]
    pub fn last(&self) -> Option<String> {
        self.kept().lines.back().cloned()
    }

    /// A panic elsewhere cannot leave the lines half changed in a way that matters.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads lines of bounded length from any stream of bytes.
///
/// Bytes that are not UTF-8 become U+FFFD; a line ends at `\n`, and a `\r` before it is left out; of a line longer than
/// 8 KiB the first 8 KiB are kept, followed by `…`. Memory stays bounded whatever is written.
#[derive(Debug)]
pub struct Lines<R> {
    reader: BufReader<R>,
    line: Vec<u8>,
    cut: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Lines of `reader`.
    pub fn new(reader: R) -> Self {
        Self {
            reader: BufReader::new(reader),
            line: Vec::new(),
            cut: false,
        }
    }

    /// The next line, `None` at the end. May be dropped before it is done: nothing read is lost.
    ///
    /// # Errors
    /// Those of the stream.
    pub async fn next_line(&mut self) -> io::Result<Option<String>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                return Ok((!self.line.is_empty()).then(|| self.take()));
            }
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let text = &chunk[..end.unwrap_or(chunk.len())];
            let room = MAX_LINE - self.line.len();
            self.cut |= text.len() > room;
            self.line.extend_from_slice(&text[..text.len().min(room)]);

            let used = text.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Some(self.take()));
            }
        }
    }

    fn take(&mut self) -> String {
        let mut text = String::from_utf8_lossy(self.line.strip_suffix(b"\r").unwrap_or(&self.line)).into_owned();
        if self.cut {
            text.push_str(CUT);
        }
        self.line.clear();
        self.cut = false;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines_of(input: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(input);
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            seen.push(line);
        }
        seen
    }

    #[tokio::test]
    async fn splits_at_newlines() {
        assert_eq!(lines_of(b"one\r\n\ntwo\nrest").await, ["one", "", "two", "rest"]);
        assert!(lines_of(b"").await.is_empty());
    }

    #[tokio::test]
    async fn other_bytes_are_replaced() {
        assert_eq!(lines_of(b"a\xffb\n").await, ["a\u{fffd}b"]);
    }

    #[tokio::test]
    async fn long_lines_are_cut_and_the_next_is_whole() {
        let mut input = vec![b'x'; 100_000];
        input.extend(b"\nnext\n");
        let lines = lines_of(&input).await;
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].len(), MAX_LINE + CUT.len());
        assert!(lines[0].ends_with(CUT));
        assert_eq!(lines[1], "next");
        assert_eq!(lines_of(&[b'x'; MAX_LINE]).await, ["x".repeat(MAX_LINE)]);
    }

    #[test]
    fn the_ring_forgets_the_oldest() {
        let ring = StderrRing::default();
        for number in 0..500 {
            ring.clone().push(number.to_string());
        }
        assert_eq!(ring.lines().len(), MAX_LINES);
        assert_eq!(ring.lines()[0], "300");
        assert_eq!(ring.last().as_deref(), Some("499"));
        for _ in 0..MAX_LINES {
            ring.push("x".repeat(MAX_LINE));
        }
        assert_eq!(ring.lines().len(), MAX_BYTES / MAX_LINE);
    }
}
