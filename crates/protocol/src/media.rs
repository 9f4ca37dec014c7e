//! What kind of body a message of HTTP has.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};

/// What kind of body a message of HTTP has, by its `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/json`.
    Json,
    /// `text/event-stream`.
    Stream,
    /// Anything else, or none.
    Other,
}

impl Media {
    /// What the headers say. Case and parameters do not matter (RFC 9110 section 8.3.1).
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        match headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) {
            // As nearly all write it.
            Some(b"application/json") => Self::Json,
            Some(b"text/event-stream") => Self::Stream,
            Some(other) => Self::read(other),
            None => Self::Other,
        }
    }

    fn read(value: &[u8]) -> Self {
        let media = value.split(|byte| *byte == b';').next().unwrap_or_default();
        let is = |name: &[u8]| media.trim_ascii().eq_ignore_ascii_case(name);
        if is(b"application/json") {
            Self::Json
        } else if is(b"text/event-stream") {
            Self::Stream
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_parameters_do_not_matter() {
        for (said, is) in [
            ("application/json", Media::Json),
            ("Application/JSON ; charset=utf-8", Media::Json),
            ("text/event-stream", Media::Stream),
            ("TEXT/event-stream;a=b", Media::Stream),
            ("application/jsonl", Media::Other),
            ("text/plain", Media::Other),
            ("", Media::Other),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(said))]);
            assert_eq!(Media::of(&headers), is, "{said}");
        }
        assert_eq!(Media::of(&HeaderMap::new()), Media::Other);
    }
}
