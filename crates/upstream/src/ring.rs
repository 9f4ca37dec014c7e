//! The newest of what was said, within bounds, for any number of readers at their own pace.

use std::collections::VecDeque;
use std::sync::Arc;

/// The newest of what was pushed. All are numbered, from 1.
#[derive(Debug)]
pub struct Ring<T> {
    /// With their sizes.
    kept: VecDeque<(Arc<T>, usize)>,
    bytes: usize,
    newest: u64,
    most: usize,
    most_bytes: usize,
}

/// What is at a place of a ring.
#[derive(Debug)]
pub enum At<T> {
    /// This.
    Kept(Arc<T>),
    /// Nothing any more, nor at the places after it: so many in all.
    Missed(u64),
    /// Nothing yet.
    Later,
}

impl<T> Ring<T> {
    /// Keeps at most so many, and so many bytes.
    #[must_use]
    pub fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            kept: VecDeque::new(),
            bytes: 0,
            newest: 0,
            most,
            most_bytes,
        }
    }

    /// Keeps what is made for a number, which takes `size` bytes, and forgets the oldest ones when there are too many.
    pub fn push(&mut self, size: usize, make: impl FnOnce(u64) -> T) {
        self.newest += 1;
        self.bytes += size;
        self.kept.push_back((Arc::new(make(self.newest)), size));
        while self.kept.len() > self.most || self.bytes > self.most_bytes {
            let Some((_, size)) = self.kept.pop_front() else {
                return;
            };
            self.bytes -= size;
        }
    }

    /// What is at a place.
    #[must_use]
    pub fn at(&self, number: u64) -> At<T> {
        let oldest = self.oldest();
        match number.checked_sub(oldest) {
            None => At::Missed(oldest - number),
            Some(at) => {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                let kept = self.kept.get(at).map(|(one, _)| Arc::clone(one));
                kept.map_or(At::Later, At::Kept)
            }
        }
    }

    /// All that is kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<T>> + ExactSizeIterator {
        self.kept.iter().map(|(one, _)| one)
    }

    /// The number of the newest; 0 when there was none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// The number of the oldest that is kept; of the next one when there is none.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.newest + 1 - self.kept.len() as u64
    }

    /// The bytes that are kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_places_stay() {
        let mut ring = Ring::new(3, 100);
        for size in [1, 1, 1, 1, 1] {
            ring.push(size, |number| number);
        }
        assert_eq!((ring.oldest(), ring.newest(), ring.bytes()), (3, 5, 3));
        assert!(matches!(ring.at(1), At::Missed(2)) && matches!(ring.at(6), At::Later));
        assert!(matches!(ring.at(4), At::Kept(number) if *number == 4));
        ring.push(99, |number| number);
        assert_eq!(ring.iter().map(|number| **number).collect::<Vec<_>>(), [5, 6]);
        ring.push(101, |number| number);
        assert_eq!((ring.iter().len(), ring.bytes(), ring.oldest()), (0, 0, 8));
    }
}
