//! What was sent on a feed lately.

use std::collections::VecDeque;

use bytes::Bytes;

/// So many events are kept.
const MAX_EVENTS: usize = 256;
/// So many bytes are kept.
const MAX_BYTES: usize = 256 * 1024;

/// The newest events that were sent, numbered from 1.
#[derive(Debug, Default)]
pub(super) struct History {
    events: VecDeque<Bytes>,
    bytes: usize,
    newest: u64,
}

impl History {
    /// Adds an event; gives its number.
    pub(super) fn add(&mut self, message: Bytes) -> u64 {
        self.newest += 1;
        self.bytes += message.len();
        self.events.push_back(message);
        while self.events.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            self.bytes -= self.events.pop_front().map_or(0, |event| event.len());
        }
        self.newest
    }

    /// The number of the newest event; 0 when there was none.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether everything that came after an event is there still.
    pub(super) fn has_all_after(&self, number: u64) -> bool {
        number >= self.before_oldest()
    }

    /// The first event after a number that is kept.
    pub(super) fn after(&self, number: u64) -> Option<(u64, Bytes)> {
        let number = number.max(self.before_oldest());
        let at = usize::try_from(number - self.before_oldest()).ok()?;
        Some((number + 1, self.events.get(at)?.clone()))
    }

    /// The number of the newest event that is not kept.
    fn before_oldest(&self) -> u64 {
        self.newest - self.events.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest() {
        let mut history = History::default();
        assert!(history.has_all_after(0) && history.after(0).is_none());
        for number in 1..=300u64 {
            assert_eq!(history.add(Bytes::from(number.to_string())), number);
        }
        assert!(history.has_all_after(44) && !history.has_all_after(43));
        assert_eq!(history.after(3), Some((45, Bytes::from("45"))));
        assert_eq!(history.after(299), Some((300, Bytes::from("300"))));
        assert_eq!(history.after(300), None);
    }

    #[test]
    fn is_bounded_in_bytes() {
        let mut history = History::default();
        history.add(Bytes::from(vec![b'x'; MAX_BYTES]));
        assert!(history.has_all_after(0));
        history.add(Bytes::from_static(b"y"));
        assert_eq!(history.after(0), Some((2, Bytes::from_static(b"y"))));
        history.add(Bytes::from(vec![b'x'; MAX_BYTES + 1]));
        assert!(history.after(0).is_none(), "what is too large is not kept");
        assert!(!history.has_all_after(2) && history.has_all_after(3));
    }
}
