//! The ids of events in a session's streams.

use std::fmt;
use std::str::FromStr;

/// The stream of the session's feed; the streams of answers count from 1.
pub(super) const FEED: u64 = 0;

/// `<stream>-<number>`: names one event of one stream. It means nothing outside its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    pub(super) stream: u64,
    /// Events count from 1; 0 stands before the first.
    pub(super) number: u64,
}

impl EventId {
    /// Whether it names an event of the session's feed.
    #[must_use]
    pub fn is_of_feed(self) -> bool {
        self.stream == FEED
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.stream, self.number)
    }
}

/// A text that no gateway gave as an event id.
#[derive(Debug, thiserror::Error)]
#[error("Last-Event-ID must be an id that an event of this session had, like `3-7`")]
pub struct NoEventId;

impl FromStr for EventId {
    type Err = NoEventId;

    fn from_str(text: &str) -> Result<Self, NoEventId> {
        let (stream, number) = text.split_once('-').ok_or(NoEventId)?;
        Ok(Self {
            stream: plain(stream)?,
            number: plain(number)?,
        })
    }
}

/// A number without a sign.
fn plain(digits: &str) -> Result<u64, NoEventId> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain).ok_or(NoEventId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_given_is_read() {
        let id: EventId = "3-17".parse().unwrap();
        assert_eq!((id.stream, id.number), (3, 17));
        assert_eq!(id.to_string(), "3-17");
        for odd in [
            "",
            "-",
            "3",
            "3-",
            "-3",
            "+3-1",
            "3--1",
            "3-1-1",
            " 3-1",
            "3-99999999999999999999",
            "a-b",
        ] {
            assert!(odd.parse::<EventId>().is_err(), "{odd}");
        }
    }
}
