//! The bounds of what is kept, and what goes first where there is no room.

use std::sync::atomic::Ordering;

use super::said::Said;
use super::{Ring, Rings};

/// So many events of one stream are kept; then the oldest goes that is no response.
pub(super) const MAX_EVENTS: usize = 256;
/// So many bytes all streams of a session keep.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;
/// So many bytes the streams of all sessions keep.
pub(super) const MAX_POOL: usize = 256 * 1024 * 1024;
/// So many streams are kept that nobody reads; then the oldest goes.
pub(super) const MAX_AWAY: usize = 32;

impl Rings {
    /// Keeps no more than [`MAX_AWAY`] streams that nobody reads.
    pub(super) fn bound_away(&mut self) {
        let away = self.kept.values().filter(|ring| ring.away.is_some()).count();
        if away > MAX_AWAY {
            let over = self.first(|ring| ring.away.is_some() && ring.written);
            let over = over.or_else(|| self.first(|ring| ring.away.is_some() && ring.ended));
            if let Some(stream) = over.or_else(|| self.first(|ring| ring.away.is_some())) {
                tracing::debug!("a client left too many streams; the oldest is given up");
                self.remove(stream);
            }
        }
    }

    /// Makes room for what is said on a stream; `false` when there is none. What is needed least goes first: streams
    /// that were written, the oldest notifications, and for a response also answers that nobody came for.
    pub(super) fn make_room(&mut self, stream: u64, said: &Said) -> bool {
        if self
            .kept
            .get(&stream)
            .is_some_and(|ring| ring.events.len() >= MAX_EVENTS)
        {
            self.drop_before(stream);
        }
        let cost = said.cost();
        // What other sessions keep is not made less by dropping this one's.
        let others = self.pool.0.load(Ordering::Relaxed).saturating_sub(self.bytes);
        if cost > MAX_BYTES || others + cost > MAX_POOL {
            return false;
        }
        while self.bytes + cost > MAX_BYTES || self.pool.0.load(Ordering::Relaxed) + cost > MAX_POOL {
            let dropped = self.drop_ended(|ring| ring.written)
                || self.drop_before(stream)
                || self.drop_any_before()
                || (said.is_response && self.drop_ended(|_| true));
            if !dropped {
                return false;
            }
        }
        true
    }

    /// Keeps no response of a stream whose client left for which there is no room, only what stands for it.
    pub(super) fn shrink(&mut self, stream: u64) {
        let Some(ring) = self.kept.get_mut(&stream) else { return };
        let mut taken = 0;
        for event in ring.events.iter_mut().filter(|event| event.over) {
            event.said = event.said.too_large();
            event.over = false;
            taken += event.cost();
        }
        self.take(taken);
    }

    /// Drops the oldest notification of a stream; `false` when there is none.
    fn drop_before(&mut self, stream: u64) -> bool {
        let dropped = self.kept.get_mut(&stream).and_then(|ring| {
            let at = ring.events.iter().position(|event| event.said.may_go())?;
            ring.events.remove(at)
        });
        if let Some(event) = &dropped {
            self.give(event.cost());
        }
        dropped.is_some()
    }

    fn drop_any_before(&mut self) -> bool {
        let has_one = |ring: &Ring| ring.events.iter().any(|event| event.said.may_go());
        self.first(has_one).is_some_and(|stream| self.drop_before(stream))
    }

    /// Drops the oldest stream that is over, and that nobody reads; `false` when there is none.
    fn drop_ended(&mut self, which: impl Fn(&Ring) -> bool) -> bool {
        let found = self.first(|ring| ring.ended && ring.away.is_some() && which(ring));
        if let Some(stream) = found {
            self.remove(stream);
        }
        found.is_some()
    }
}
