//! The links that belong to one session each.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::slot::Slot;

/// The places of all sessions at one backend. What a session got at its first use it keeps to its end.
#[derive(Debug, Default)]
pub(crate) struct Owned(Mutex<Places>);

#[derive(Debug, Default)]
struct Places {
    own: HashMap<u64, Arc<Slot>>,
    /// Sessions that came when there was no room.
    sharing: HashSet<u64>,
}

/// Where a session's link is.
#[derive(Debug)]
pub(crate) enum Place {
    /// In a place of its own.
    Own(Arc<Slot>),
    /// There is no room: it shares. `first`: this was decided just now.
    Shared { first: bool },
}

impl Owned {
    /// The place of a session; it gets one of its own while `room` has one more. Where sessions have all `limit` places it
    /// shares to its end; one that calls have borrowed may be free the next time.
    pub(crate) fn place(&self, session: u64, limit: usize, room: impl FnOnce() -> bool) -> Place {
        let mut places = self.places();
        if let Some(slot) = places.own.get(&session) {
            return Place::Own(Arc::clone(slot));
        }
        if places.sharing.contains(&session) {
            return Place::Shared { first: false };
        }
        if !room() {
            let for_good = places.own.len() >= limit;
            if for_good {
                places.sharing.insert(session);
            }
            return Place::Shared { first: for_good };
        }
        Place::Own(Arc::clone(places.own.entry(session).or_default()))
    }

    /// The session is over: gives its place back.
    pub(crate) fn release(&self, session: u64) -> Option<Arc<Slot>> {
        let mut places = self.places();
        places.sharing.remove(&session);
        places.own.remove(&session)
    }

    /// Forgets the failures of all.
    pub(crate) fn forgive(&self) {
        self.places().own.values().for_each(|slot| slot.forgive());
    }

    /// Gives all places back.
    pub(crate) fn drain(&self) -> Vec<Arc<Slot>> {
        self.places().own.drain().map(|(_, slot)| slot).collect()
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_own(owned: &Owned, session: u64) -> bool {
        matches!(place(owned, session), Place::Own(_))
    }

    fn place(owned: &Owned, session: u64) -> Place {
        let taken = owned.places().own.len();
        owned.place(session, 2, || taken < 2)
    }

    #[test]
    fn a_place_that_is_only_lent_may_be_free_the_next_time() {
        let owned = Owned::default();
        assert!(has_own(&owned, 1));
        assert!(matches!(owned.place(2, 2, || false), Place::Shared { first: false }));
        assert!(has_own(&owned, 2));
    }

    #[test]
    fn a_session_keeps_what_it_got_first() {
        let owned = Owned::default();
        assert!(has_own(&owned, 1) && has_own(&owned, 2));
        assert!(matches!(place(&owned, 3), Place::Shared { first: true }));
        assert!(matches!(place(&owned, 3), Place::Shared { first: false }));
        assert!(owned.release(1).is_some());
        assert!(!has_own(&owned, 3), "it shares to its end");
        assert!(has_own(&owned, 4) && has_own(&owned, 2));
        assert!(owned.release(3).is_none());
        owned.release(2);
        assert!(has_own(&owned, 3), "a session of the same number would be another one");
    }
}
