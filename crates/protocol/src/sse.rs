//! Server-sent events (WHATWG HTML, "Server-sent events").

use bytes::Bytes;

/// One event, or a change of the reconnection time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// `id:`, if the event named one.
    pub id: Option<String>,
    /// `event:`; `None` means `message`.
    pub name: Option<String>,
    /// `data:`, lines joined by line feeds.
    pub data: Bytes,
    /// `retry:` in milliseconds.
    pub retry: Option<u64>,
}

/// The stream is not one the gateway can hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("an event is larger than {max} bytes")]
pub struct TooLarge {
    /// The bound.
    pub max: usize,
}

/// Reads events out of chunks.
#[derive(Debug)]
pub struct Decoder {
    line: Vec<u8>,
    event: Event,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    at_start: bool,
    max: usize,
}

impl Decoder {
    /// A decoder that refuses events of more than `max` bytes.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            line: Vec::new(),
            event: Event::default(),
            data: Vec::new(),
            has_data: false,
            after_cr: false,
            at_start: true,
            max,
        }
    }

    /// Takes a chunk and hands each finished event to `found`. An event without data (a priming event with an id, or a
    /// `retry` alone) is handed over with empty data.
    ///
    /// # Errors
    /// When an event exceeds the bound; the stream is of no use after that.
    pub fn feed(&mut self, chunk: &[u8], mut found: impl FnMut(Event)) -> Result<(), TooLarge> {
        let mut rest = chunk;
        if self.after_cr {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            self.after_cr = rest.is_empty() && chunk.is_empty();
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            if self.line.is_empty() {
                self.end_line(&rest[..end], &mut found);
            } else {
                self.line.extend_from_slice(&rest[..end]);
                let line = std::mem::take(&mut self.line);
                self.end_line(&line, &mut found);
            }
            let was_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if was_cr {
                self.after_cr = rest.is_empty();
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
            self.check()?;
        }
        self.line.extend_from_slice(rest);
        self.check()
    }

    fn check(&self) -> Result<(), TooLarge> {
        if self.line.len() + self.data.len() > self.max {
            Err(TooLarge { max: self.max })
        } else {
            Ok(())
        }
    }

    fn end_line(&mut self, line: &[u8], found: &mut impl FnMut(Event)) {
        let line = if std::mem::take(&mut self.at_start) {
            line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
        } else {
            line
        };
        if line.is_empty() {
            self.dispatch(found);
            return;
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (
                &line[..colon],
                line[colon + 1..].strip_prefix(b" ").unwrap_or(&line[colon + 1..]),
            ),
            None => (line, &b""[..]),
        };
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => self.event.name = text(value),
            b"id" if !value.contains(&0) => self.event.id = text(value),
            b"retry" => self.event.retry = text(value).and_then(|value| value.parse().ok()),
            _ => {}
        }
    }

    fn dispatch(&mut self, found: &mut impl FnMut(Event)) {
        let mut event = std::mem::take(&mut self.event);
        let has_data = std::mem::take(&mut self.has_data);
        event.data = std::mem::take(&mut self.data).into();
        if has_data || event.id.is_some() || event.retry.is_some() {
            found(event);
        }
    }
}

fn text(value: &[u8]) -> Option<String> {
    std::str::from_utf8(value).ok().map(str::to_owned)
}

/// A comment, which keeps a connection open.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// The first event of an HTTP+SSE stream: where the client posts its messages (MCP 2024-11-05 "HTTP with SSE"). `uri`
/// has no line breaks.
#[must_use]
pub fn endpoint(uri: &str) -> Bytes {
    format!("event: endpoint\ndata: {uri}\n\n").into()
}

/// An event of type `message` that holds one JSON-RPC message; line breaks in it become further `data:` lines.
#[must_use]
pub fn message(data: &[u8]) -> Bytes {
    event("", data)
}

/// The same, with an id that is one line.
#[must_use]
pub fn message_with_id(id: &str, data: &[u8]) -> Bytes {
    event(&format!("id: {id}\n"), data)
}

/// An event without data, which tells the client where to come back to, and after how many milliseconds (MCP 2025-11-25
/// "Sending messages to the server").
#[must_use]
pub fn priming(id: &str, retry: u64) -> Bytes {
    format!("id: {id}\nretry: {retry}\ndata: \n\n").into()
}

fn event(id: &str, data: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(id.len() + data.len() + 32);
    out.extend_from_slice(b"event: message\n");
    out.extend_from_slice(id.as_bytes());
    let mut rest = data;
    while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
        data_line(&mut out, &rest[..end]);
        let both = rest[end..].starts_with(b"\r\n");
        rest = &rest[end + 1 + usize::from(both)..];
    }
    data_line(&mut out, rest);
    out.push(b'\n');
    out.into()
}

fn data_line(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(line);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(chunks: &[&[u8]]) -> Vec<Event> {
        let mut decoder = Decoder::new(1 << 20);
        let mut found = Vec::new();
        for chunk in chunks {
            decoder.feed(chunk, |event| found.push(event)).unwrap();
        }
        found
    }

    #[test]
    fn reads_fields_comments_and_joins_data() {
        let found =
            decode(&[b"\xef\xbb\xbf: hi\nid: 7\nevent: message\ndata: a\ndata:b\nretry: 30\n\n\nid: 8\n\ndata\n\n"]);
        assert_eq!(found.len(), 3);
        assert_eq!(
            (found[0].id.as_deref(), &found[0].data[..], found[0].retry),
            (Some("7"), &b"a\nb"[..], Some(30))
        );
        assert_eq!((found[1].id.as_deref(), &found[1].data[..]), (Some("8"), &b""[..]));
        assert_eq!((found[2].id.as_deref(), &found[2].data[..]), (None, &b""[..]));
    }

    #[test]
    fn every_line_ending_counts_once_wherever_the_chunk_ends() {
        let text = b"data: a\r\n\r\ndata: b\r\rdata: c\n\n";
        let whole = decode(&[text]);
        assert_eq!(whole.len(), 3);
        for cut in 0..text.len() {
            assert_eq!(decode(&[&text[..cut], b"", &text[cut..]]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut decoder = Decoder::new(100);
        assert!(decoder.feed(&[b'x'; 200], |_| {}).is_err());
        let mut decoder = Decoder::new(100);
        let line = b"data: 0123456789\n".repeat(20);
        assert!(decoder.feed(&line, |_| {}).is_err());
    }

    #[test]
    fn ids_and_priming_events() {
        let found = decode(&[&priming("3-0", 1000), &message_with_id("3-1", b"{}")]);
        let (prime, message) = (&found[0], &found[1]);
        assert_eq!(
            (prime.id.as_deref(), prime.retry, &prime.data[..]),
            (Some("3-0"), Some(1000), &b""[..])
        );
        assert_eq!(
            (message.id.as_deref(), message.retry, &message.data[..]),
            (Some("3-1"), None, &b"{}"[..])
        );
    }

    #[test]
    fn a_body_with_line_breaks_survives() {
        let found = decode(&[&message(b"{\n\"a\":\r\n1}")]);
        assert_eq!(&found[0].data[..], b"{\n\"a\":\n1}");
    }

    proptest! {
        #[test]
        fn round_trip(data in "[^\r\n]{0,80}(\n[^\r\n]{0,20}){0,3}", cut in 0usize..100) {
            let wire = message(data.as_bytes());
            let cut = cut.min(wire.len());
            let found = decode(&[&wire[..cut], &wire[cut..]]);
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(&found[0].data[..], data.as_bytes());
        }

        #[test]
        fn never_panics(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..6)) {
            let mut decoder = Decoder::new(64);
            for chunk in chunks {
                if decoder.feed(&chunk, |_| {}).is_err() { break; }
            }
        }
    }
}
