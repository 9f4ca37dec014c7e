//! Connections that nobody uses now.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::driven::Driven;

/// Connections that wait for a request; one more is closed.
const MOST: usize = 256;

/// The unused connections to one backend, newest last.
#[derive(Debug)]
pub(super) struct Idle {
    /// How long one may stay unused.
    longest: Duration,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    connections: Vec<(Instant, Driven)>,
    /// Whether somebody will close those that stay unused.
    watched: bool,
}

impl Idle {
    pub(super) fn new(longest: Duration) -> Arc<Self> {
        Arc::new(Self {
            longest,
            waiting: Mutex::default(),
        })
    }

    pub(super) fn longest(&self) -> Duration {
        self.longest
    }

    /// The newest one that still works.
    pub(super) fn take(&self) -> Option<Driven> {
        loop {
            let (since, mut driven) = self.waiting().connections.pop()?;
            if since.elapsed() < self.longest && driven.is_free() {
                return Some(driven);
            }
        }
    }

    /// Closes all: one broke in use, and what broke it has probably met the others, too, though nobody saw it yet. What
    /// is done again then would break again.
    pub(super) fn forget(&self) {
        let forgotten = std::mem::take(&mut self.waiting().connections);
        drop(forgotten);
    }

    /// Keeps one for the next request.
    pub(super) fn put(self: &Arc<Self>, driven: Driven) {
        let mut waiting = self.waiting();
        if waiting.connections.len() >= MOST {
            return;
        }
        waiting.connections.push((Instant::now(), driven));
        // Outside a runtime there is nobody to close them but the end of the program.
        if !waiting.watched
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            waiting.watched = true;
            let watching = watch(Arc::downgrade(self), self.longest);
            drop(waiting);
            runtime.spawn(watching);
        }
    }

    /// Closes those that were unused for too long; whether any is left.
    fn close_old(&self) -> bool {
        let mut waiting = self.waiting();
        let now = Instant::now();
        let fresh = |(since, _): &(Instant, Driven)| now - *since < self.longest;
        let old: Vec<_> = waiting.connections.extract_if(.., |one| !fresh(one)).collect();
        waiting.watched = !waiting.connections.is_empty();
        let left = waiting.watched;
        drop(waiting);
        drop(old);
        left
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks after unused connections for as long as there are any.
async fn watch(idle: std::sync::Weak<Idle>, pause: Duration) {
    loop {
        tokio::time::sleep(pause).await;
        match idle.upgrade() {
            Some(idle) if idle.close_old() => {}
            _ => return,
        }
    }
}
