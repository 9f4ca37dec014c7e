//! Until when what was read of a backend may still be right.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// No two epochs have the same number, whatever their backends.
static LAST: AtomicU64 = AtomicU64::new(0);

/// The epoch of a backend: it ends when the backend says that its resources changed, and whenever it may have said so
/// unheard.
#[derive(Debug)]
pub(crate) struct Epoch {
    now: AtomicU64,
    /// Whether there was a modern link.
    linked: AtomicBool,
}

impl Epoch {
    /// The first one of a backend.
    pub(crate) fn begin() -> Self {
        Self {
            now: AtomicU64::new(next()),
            linked: AtomicBool::new(false),
        }
    }

    /// Its number.
    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::Acquire)
    }

    /// What was read until now may be out of date.
    pub(crate) fn end(&self) {
        self.now.store(next(), Ordering::Release);
    }

    /// There is a modern link: a new one ends the epoch of the one before.
    pub(crate) fn linked(&self) {
        if self.linked.swap(true, Ordering::AcqRel) {
            self.end();
        }
    }
}

fn next() -> u64 {
    LAST.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_link_ends_nothing() {
        let (one, other) = (Epoch::begin(), Epoch::begin());
        let first = one.now();
        assert_ne!(first, other.now());
        one.linked();
        assert_eq!(one.now(), first);
        one.linked();
        assert_ne!(one.now(), first);
        let second = one.now();
        one.end();
        assert!(![first, second, other.now()].contains(&one.now()));
    }
}
