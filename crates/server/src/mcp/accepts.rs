//! What a client can read: the `Accept` header.

use http::HeaderMap;
use http::header::ACCEPT;

/// The kinds of answer a client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepts {
    pub(crate) json: bool,
    pub(crate) stream: bool,
}

impl Accepts {
    /// Reads the header; without one everything is accepted.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut accepts = Self {
            json: false,
            stream: false,
        };
        let mut any = false;
        for value in headers.get_all(ACCEPT) {
            // As nearly all write it.
            if value == "application/json, text/event-stream" {
                return Self {
                    json: true,
                    stream: true,
                };
            }
            let Ok(text) = value.to_str() else { continue };
            for part in text.split(',') {
                any = true;
                accepts.add(part.split(';').next().unwrap_or_default().trim());
            }
        }
        if any {
            accepts
        } else {
            Self {
                json: true,
                stream: true,
            }
        }
    }

    fn add(&mut self, media: &str) {
        let is = |names: [&str; 3]| names.iter().any(|name| media.eq_ignore_ascii_case(name));
        self.json |= is(["*/*", "application/json", "application/*"]);
        self.stream |= is(["*/*", "text/event-stream", "text/*"]);
    }

    /// Whether neither kind is accepted.
    pub(crate) fn nothing(self) -> bool {
        !self.json && !self.stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &'static str) -> (bool, bool) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, http::HeaderValue::from_static(text));
        let accepts = Accepts::of(&headers);
        (accepts.json, accepts.stream)
    }

    #[test]
    fn kinds() {
        assert_eq!(of("application/json, text/event-stream"), (true, true));
        assert_eq!(of("Application/JSON;q=0.9"), (true, false));
        assert_eq!(of("*/*"), (true, true));
        assert_eq!(of("image/png"), (false, false));
        assert_eq!(
            Accepts::of(&HeaderMap::new()),
            Accepts {
                json: true,
                stream: true
            }
        );
    }
}
