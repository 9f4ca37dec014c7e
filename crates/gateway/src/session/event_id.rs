//! The ids of events in a session's streams.

use std::fmt;
use std::str::FromStr;

/// The stream of the session's feed; the streams of answers count from 1.
pub(super) const FEED: u64 = 0;

/// `<stream>-<number>`: names one event of one stream. It means nothing outside its session. After a restart of the
/// gateway streams and events are counted anew, and `<epoch>.` stands before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventId {
    /// Which life of the session it is of; 0 is the first.
    pub(super) epoch: u32,
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
        if self.epoch != 0 {
            write!(f, "{:x}.", self.epoch)?;
        }
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
        let (epoch, rest) = match text.split_once('.') {
            Some((epoch, rest)) => (later(epoch)?, rest),
            None => (0, text),
        };
        let (stream, number) = rest.split_once('-').ok_or(NoEventId)?;
        Ok(Self {
            epoch,
            stream: plain(stream)?,
            number: plain(number)?,
        })
    }
}

/// The number of a life after the first, in hexadecimal without a sign.
fn later(digits: &str) -> Result<u32, NoEventId> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let epoch = u32::from_str_radix(digits, 16).ok();
    epoch.filter(|epoch| is_plain && *epoch != 0).ok_or(NoEventId)
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
        let later: EventId = "a1b2.3-17".parse().unwrap();
        assert_eq!((later.epoch, later.stream, later.number), (0xa1b2, 3, 17));
        assert_eq!(later.to_string(), "a1b2.3-17");
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
            ".3-1",
            "0.3-1",
            "+a.3-1",
            "x.3-1",
            "1.1.3-1",
            "100000000.3-1",
        ] {
            assert!(odd.parse::<EventId>().is_err(), "{odd}");
        }
    }
}
