//! One way to take a lock: a thread that panicked while holding it does not take the server down.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes the lock, whatever happened to its last holder.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
