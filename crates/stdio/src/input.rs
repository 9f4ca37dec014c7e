//! What the client writes: lines, within a bound.

use std::collections::VecDeque;

use argus_protocol::line::{Line, LineDecoder};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// The lines of a stream that are not blank.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: R,
    decoder: LineDecoder,
    found: VecDeque<Line>,
    chunk: Vec<u8>,
    ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// The lines of `input`; one of more than `max` bytes is not kept.
    pub(crate) fn of(input: R, max: usize) -> Self {
        Self {
            input,
            decoder: LineDecoder::new(max),
            found: VecDeque::new(),
            chunk: vec![0; CHUNK],
            ended: false,
        }
    }

    /// The next line; `None` at the end. May be dropped while it waits: nothing is lost.
    pub(crate) async fn next(&mut self) -> Option<Line> {
        loop {
            match self.found.pop_front() {
                Some(Line::Whole(line)) if line.iter().all(u8::is_ascii_whitespace) => {}
                Some(line) => return Some(line),
                None if self.ended => return None,
                None => {
                    let read = self.input.read(&mut self.chunk).await;
                    self.take(read.unwrap_or_else(|error| {
                        tracing::warn!("stdin cannot be read: {error}");
                        0
                    }));
                }
            }
        }
    }

    fn take(&mut self, count: usize) {
        let found = &mut self.found;
        if count == 0 {
            self.ended = true;
            // The last line may have no end.
            self.decoder.feed(b"\n", |line| found.push_back(line));
        } else {
            self.decoder.feed(&self.chunk[..count], |line| found.push_back(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: &[u8], max: usize) -> Vec<String> {
        let mut lines = Lines::of(input, max);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await {
            all.push(match line {
                Line::Whole(line) => String::from_utf8(line.to_vec()).unwrap(),
                Line::TooLong => "too long".to_owned(),
            });
        }
        all
    }

    #[tokio::test]
    async fn lines_without_blank_ones_and_the_last_without_its_end() {
        assert_eq!(lines(b"{1}\n\n  \r\n{2}\r\n{3}", 10).await, ["{1}", "{2}", "{3}"]);
        assert_eq!(lines(b"", 10).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_not_kept() {
        let long = [b"x".repeat(CHUNK * 3), b"\nshort\n".to_vec(), b"y".repeat(11)].concat();
        assert_eq!(lines(&long, 10).await, ["too long", "short", "too long"]);
    }
}
