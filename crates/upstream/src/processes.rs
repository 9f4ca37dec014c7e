//! Which processes of a backend there are now.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The processes of one upstream. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Processes(Arc<Mutex<BTreeSet<u32>>>);

/// A process that is among them until this is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    processes: Processes,
    pid: u32,
}

impl Processes {
    /// There is one more.
    pub(crate) fn count(&self, pid: u32) -> Counted {
        self.set().insert(pid);
        Counted {
            processes: self.clone(),
            pid,
        }
    }

    /// Their ids.
    pub(crate) fn ids(&self) -> Vec<u32> {
        self.set().iter().copied().collect()
    }

    fn set(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.processes.set().remove(&self.pid);
    }
}
