//! How much one connection may ask for at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Requests that one connection may have in flight.
pub(crate) const MAX_REQUESTS: usize = 1000;
/// Bytes that the bodies of these may have; one body may be larger when nothing else is in flight.
const MAX_BYTES: usize = 64 << 20;

/// What the requests in flight of one connection take up.
#[derive(Debug, Default)]
pub(crate) struct Load {
    requests: AtomicUsize,
    bytes: AtomicUsize,
}

/// The place of the requests of one body; dropped, it is free again.
#[derive(Debug)]
pub(crate) struct Place {
    load: Arc<Load>,
    requests: usize,
    bytes: usize,
}

impl Load {
    /// Takes up a place; `None` when there is too much in flight already.
    pub(crate) fn take(self: &Arc<Self>, requests: usize, bytes: usize) -> Option<Place> {
        // From here on it is given back however this ends.
        let place = Place {
            load: Arc::clone(self),
            requests,
            bytes,
        };
        let others = self.requests.fetch_add(requests, Ordering::Relaxed);
        let size = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let fits = others + requests <= MAX_REQUESTS && (others == 0 || size <= MAX_BYTES);
        fits.then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.load.requests.fetch_sub(self.requests, Ordering::Relaxed);
        self.load.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_bounded_and_their_places_come_back() {
        let load = Arc::new(Load::default());
        let most = load.take(MAX_REQUESTS - 1, 1).unwrap();
        let last = load.take(1, 1).unwrap();
        assert!(load.take(1, 1).is_none());
        drop(last);
        assert!(load.take(2, 1).is_none() && load.take(1, 1).is_some());
        drop(most);
        assert_eq!(
            (
                load.requests.load(Ordering::Relaxed),
                load.bytes.load(Ordering::Relaxed)
            ),
            (0, 0)
        );
    }

    #[test]
    fn bytes_are_bounded_but_one_large_body_passes() {
        let load = Arc::new(Load::default());
        let large = load.take(1, MAX_BYTES + 1).unwrap();
        assert!(load.take(1, 1).is_none());
        drop(large);
        let _half = load.take(1, MAX_BYTES / 2).unwrap();
        assert!(load.take(1, MAX_BYTES / 2 + 1).is_none());
        assert!(load.take(1, MAX_BYTES / 2).is_some());
    }
}
