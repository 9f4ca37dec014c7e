//! Framing for stdio: one message is one line (MCP "stdio").

use std::borrow::Cow;

use bytes::Bytes;

/// The message as one line without its end. Line breaks can only be white space between JSON tokens (inside strings
/// they must be escaped), so each becomes a space.
#[must_use]
pub fn one_line(message: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\n', b'\r', message).is_none() {
        return Cow::Borrowed(message);
    }
    Cow::Owned(
        message
            .iter()
            .map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte })
            .collect(),
    )
}

/// Cuts lines out of chunks, within a bound.
#[derive(Debug)]
pub struct LineDecoder {
    buffer: Vec<u8>,
    max: usize,
    skipping: bool,
}

/// What a [`LineDecoder`] finds.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line without its end.
    Whole(Bytes),
    /// A line longer than the bound was skipped.
    TooLong,
}

impl LineDecoder {
    /// A decoder that skips lines longer than `max` bytes.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            buffer: Vec::new(),
            max,
            skipping: false,
        }
    }

    /// Takes a chunk and hands each finished line to `found`.
    pub fn feed(&mut self, chunk: &[u8], mut found: impl FnMut(Line)) {
        let mut rest = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            self.end_line(&rest[..end], &mut found);
            rest = &rest[end + 1..];
        }
        self.keep(rest);
    }

    fn end_line(&mut self, tail: &[u8], found: &mut impl FnMut(Line)) {
        if self.skipping || self.buffer.len() + tail.len() > self.max {
            self.skipping = false;
            self.buffer = Vec::new();
            found(Line::TooLong);
            return;
        }
        let line = if self.buffer.is_empty() {
            Bytes::copy_from_slice(tail)
        } else {
            self.buffer.extend_from_slice(tail);
            Bytes::from(std::mem::take(&mut self.buffer))
        };
        let line = if line.ends_with(b"\r") {
            line.slice(..line.len() - 1)
        } else {
            line
        };
        found(Line::Whole(line));
    }

    fn keep(&mut self, rest: &[u8]) {
        if self.skipping {
            return;
        }
        if self.buffer.len() + rest.len() > self.max {
            self.skipping = true;
            self.buffer = Vec::new();
            return;
        }
        self.buffer.extend_from_slice(rest);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(decoder: &mut LineDecoder, chunk: &[u8]) -> Vec<Line> {
        let mut found = Vec::new();
        decoder.feed(chunk, |line| found.push(line));
        found
    }

    #[test]
    fn breaks_between_tokens_become_spaces() {
        assert_eq!(one_line(b"{\n\"a\":\r\n1}").as_ref(), b"{ \"a\":  1}");
        assert!(matches!(one_line(b"{}"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_line_over_the_bound_is_skipped_and_the_next_one_read() {
        let mut decoder = LineDecoder::new(4);
        assert_eq!(lines(&mut decoder, b"123"), vec![]);
        assert_eq!(lines(&mut decoder, b"4567"), vec![]);
        assert_eq!(
            lines(&mut decoder, b"8\nok\r\n"),
            vec![Line::TooLong, Line::Whole(Bytes::from_static(b"ok"))]
        );
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(text in "[a-z\n]{0,60}", cut in 0usize..60) {
            let cut = cut.min(text.len());
            let mut whole = LineDecoder::new(1000);
            let mut parts = LineDecoder::new(1000);
            let expected = lines(&mut whole, text.as_bytes());
            let mut got = lines(&mut parts, &text.as_bytes()[..cut]);
            got.extend(lines(&mut parts, &text.as_bytes()[cut..]));
            prop_assert_eq!(expected, got);
        }
    }
}
