//! How many connections to a backend belong to somebody: to sessions, and to calls.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The places that are taken. They are counted together, whoever has them.
#[derive(Debug, Default)]
pub(crate) struct Room(AtomicUsize);

impl Room {
    /// Takes a place while fewer than `limit` are taken.
    pub(crate) fn take(&self, limit: usize) -> bool {
        let one_more = |taken| (taken < limit).then_some(taken + 1);
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .is_ok()
    }

    /// Gives a place back.
    pub(crate) fn give_back(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit() {
        let room = Room::default();
        assert!(room.take(2) && room.take(2) && !room.take(2));
        room.give_back();
        assert!(room.take(2) && !room.take(2));
    }
}
