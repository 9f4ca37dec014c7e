//! The sessions of a legacy server.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

/// All sessions that were opened and have not ended.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<(usize, HashSet<String>)>);

impl Sessions {
    pub(super) fn open(&self) -> String {
        self.with(|last, open| {
            *last += 1;
            let id = format!("session-{last}");
            open.insert(id.clone());
            id
        })
    }

    pub(super) fn knows(&self, id: &str) -> bool {
        self.with(|_, open| open.contains(id))
    }

    pub(super) fn end(&self, id: &str) {
        self.with(|_, open| open.remove(id));
    }

    pub(super) fn forget(&self) {
        self.with(|_, open| open.clear());
    }

    fn with<T>(&self, change: impl FnOnce(&mut usize, &mut HashSet<String>) -> T) -> T {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, open) = &mut *state;
        change(last, open)
    }
}
