//! Who follows the events: how many, and on which connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::peer::Connection;

/// The open streams of events. They are bounded, and hold up no shutdown.
#[derive(Debug)]
pub(crate) struct Watchers {
    most: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    connections: HashMap<u64, Option<Connection>>,
    /// The gateway stops: whose stream has ended may still have to read its end, or never do so.
    stopping: bool,
}

/// A place among them, for as long as this lives.
#[derive(Debug)]
pub(super) struct Watching {
    number: u64,
    watchers: Arc<Watchers>,
}

impl Watchers {
    pub(crate) fn at_most(most: usize) -> Self {
        Self {
            most,
            open: Mutex::default(),
        }
    }

    /// A place for a stream; `None` when all are taken.
    pub(super) fn join(self: &Arc<Self>, connection: Option<Connection>) -> Option<Watching> {
        let mut open = self.open();
        if open.connections.len() >= self.most {
            return None;
        }
        open.next += 1;
        let number = open.next;
        open.connections.insert(number, connection);
        Some(Watching {
            number,
            watchers: Arc::clone(self),
        })
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// The streams are about to end, because the gateway stops.
    pub(crate) fn stop(&self) {
        self.open().stopping = true;
    }

    /// Ends the connections of those who did not read the end of their stream.
    pub(crate) fn cut(&self) {
        for connection in std::mem::take(&mut self.open().connections).into_values().flatten() {
            connection.cut();
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut open = self.watchers.open();
        if !open.stopping {
            open.connections.remove(&self.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_bounded_and_make_room_when_they_leave() {
        let watchers = Arc::new(Watchers::at_most(2));
        let (first, _second) = (watchers.join(None).unwrap(), watchers.join(None).unwrap());
        assert!(watchers.join(None).is_none());
        drop(first);
        assert!(watchers.join(None).is_some());
    }
}
