//! All open connections.

use std::collections::HashMap as Counts;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argus_config::Server;
use argus_gateway::Caller;
use papaya::HashMap;

use crate::duplex::{Budget, Connection};

/// The open connections by id. Looked up once per POST, without a lock.
pub(crate) struct Connections {
    open: HashMap<String, Arc<Connection>>,
    max: usize,
    max_per_caller: usize,
    /// How many each caller has. Held while a connection is opened or ends, so that no bound is exceeded.
    counts: Mutex<Counts<Caller, usize>>,
    /// What may wait for the clients of all of them.
    budget: Arc<Budget>,
}

/// No more connections can be opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TooMany {
    /// By anybody.
    #[error(
        "{0} connections are open on /sse, which is the most there may be (server.max_sessions); close some and try again"
    )]
    OfAll(usize),
    /// By this caller.
    #[error(
        "{0} connections of this caller are open on /sse, which is the most it may have (server.max_sessions_per_caller); close some and try again"
    )]
    OfCaller(usize),
}

/// The ids are what lets clients in: they are not shown.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("open", &self.open.len())
            .finish_non_exhaustive()
    }
}

impl From<&Server> for Connections {
    fn from(server: &Server) -> Self {
        Self::at_most(server.max_sessions, server.max_sessions_per_caller)
    }
}

impl Connections {
    fn at_most(max: usize, max_per_caller: usize) -> Self {
        Self {
            open: HashMap::new(),
            max,
            max_per_caller,
            counts: Mutex::default(),
            budget: Arc::default(),
        }
    }

    /// What may wait for the clients of all connections.
    pub(super) fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Adds a connection.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add(&self, id: String, connection: Connection) -> Result<Arc<Connection>, TooMany> {
        let caller = connection.client.caller;
        let mut counts = self.counts();
        let theirs = counts.get(&caller).copied().unwrap_or_default();
        if theirs >= self.max_per_caller {
            return Err(TooMany::OfCaller(self.max_per_caller));
        }
        if self.open.len() >= self.max {
            return Err(TooMany::OfAll(self.max));
        }
        let connection = Arc::new(connection);
        counts.insert(caller, theirs + 1);
        self.open.pin().insert(id, Arc::clone(&connection));
        Ok(connection)
    }

    /// The connection of an id; `None` when it has ended or never was.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Connection>> {
        self.open.pin().get(id).cloned()
    }

    /// The connection has ended.
    pub(super) fn remove(&self, id: &str) {
        let mut counts = self.counts();
        let open = self.open.pin();
        let Some(connection) = open.remove(id) else { return };
        let caller = connection.client.caller;
        if let Some(count) = counts.get_mut(&caller) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&caller);
            }
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts<Caller, usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(last: u8) -> Connection {
        Connection::new(
            crate::sse::FACE,
            argus_gateway::Transport::Sse,
            Caller::at([10, 0, 0, last].into()),
        )
        .0
    }

    #[test]
    fn they_are_bounded_and_make_room_when_they_end() {
        let connections = Connections::at_most(2, 2);
        let add = |id: &str, last| connections.add(id.to_owned(), connection(last)).map(|_| ());
        assert_eq!(
            (add("a", 1), add("b", 2), add("c", 3)),
            (Ok(()), Ok(()), Err(TooMany::OfAll(2)))
        );
        assert!(connections.get("a").is_some() && connections.get("c").is_none());
        connections.remove("a");
        assert!(connections.get("a").is_none());
        assert_eq!(add("c", 3), Ok(()));
    }

    #[test]
    fn one_caller_cannot_take_all_places() {
        let connections = Connections::at_most(3, 2);
        let add = |id: &str, last| connections.add(id.to_owned(), connection(last)).map(|_| ());
        assert_eq!((add("a", 1), add("b", 1)), (Ok(()), Ok(())));
        assert_eq!(add("c", 1), Err(TooMany::OfCaller(2)));
        assert_eq!(add("c", 2), Ok(()));
        connections.remove("a");
        connections.remove("a");
        assert_eq!((add("d", 1), add("e", 1)), (Ok(()), Err(TooMany::OfCaller(2))));
        for id in ["b", "c", "d"] {
            connections.remove(id);
        }
        assert!(connections.counts().is_empty());
    }

    #[test]
    fn debug_hides_ids() {
        let connections = Connections::at_most(2, 2);
        connections.add("s3cret".to_owned(), connection(1)).unwrap();
        assert!(!format!("{connections:?}").contains("s3cret"));
    }
}
