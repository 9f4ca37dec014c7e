//! All open connections.

use std::fmt;
use std::sync::Arc;

use papaya::HashMap;

use super::connection::Connection;

/// Connections that may be open at once.
const MAX_CONNECTIONS: usize = 10_000;

/// The open connections by id. Looked up once per POST, without a lock.
pub(crate) struct Connections {
    open: HashMap<String, Arc<Connection>>,
    max: usize,
}

/// No more connections can be opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{max} connections are open on /sse, which is the most there may be; close some and try again")]
pub(super) struct TooMany {
    max: usize,
}

/// The ids are what lets clients in: they are not shown.
impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("open", &self.open.len())
            .finish_non_exhaustive()
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self::at_most(MAX_CONNECTIONS)
    }
}

impl Connections {
    fn at_most(max: usize) -> Self {
        Self {
            open: HashMap::new(),
            max,
        }
    }

    /// Adds a connection.
    ///
    /// # Errors
    /// When there are too many.
    pub(super) fn add(&self, id: String, connection: Connection) -> Result<Arc<Connection>, TooMany> {
        if self.open.len() >= self.max {
            return Err(TooMany { max: self.max });
        }
        let connection = Arc::new(connection);
        self.open.pin().insert(id, Arc::clone(&connection));
        Ok(connection)
    }

    /// The connection of an id; `None` when it has ended or never was.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Connection>> {
        self.open.pin().get(id).cloned()
    }

    /// The connection has ended.
    pub(super) fn remove(&self, id: &str) {
        self.open.pin().remove(id);
    }
}

#[cfg(test)]
mod tests {
    use argus_gateway::Caller;

    use super::*;

    fn connection() -> Connection {
        Connection::new(Caller::at(std::net::Ipv4Addr::LOCALHOST.into())).0
    }

    #[test]
    fn they_are_bounded_and_make_room_when_they_end() {
        let connections = Connections::at_most(2);
        let add = |id: &str| connections.add(id.to_owned(), connection()).map(|_| ());
        assert_eq!(
            (add("a"), add("b"), add("c")),
            (Ok(()), Ok(()), Err(TooMany { max: 2 }))
        );
        assert!(connections.get("a").is_some() && connections.get("c").is_none());
        connections.remove("a");
        assert!(connections.get("a").is_none());
        assert_eq!(add("c"), Ok(()));
    }

    #[test]
    fn debug_hides_ids() {
        let connections = Connections::at_most(2);
        connections.add("s3cret".to_owned(), connection()).unwrap();
        assert!(!format!("{connections:?}").contains("s3cret"));
    }
}
