//! All sessions.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use argus_upstream::Declared;
use papaya::HashMap;

use super::Session;

/// Sessions that may be open at once.
const MAX_SESSIONS: usize = 10_000;
/// A session that is not used for so long ends.
const MAX_IDLE: Duration = Duration::from_secs(3600);

/// Why there is no such session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Unknown or ended.
    #[error("there is no such session; send `initialize` again")]
    Unknown,
    /// Too many are open.
    #[error("{MAX_SESSIONS} sessions are open and all are in use; end some and try again")]
    TooMany,
    /// The system gives no random numbers for an id.
    #[error("no session id can be made")]
    NoId,
}

/// Sessions by id. Looked up once per request, without a lock.
#[derive(Default)]
pub(crate) struct Sessions {
    open: HashMap<String, Arc<Session>>,
    next: AtomicU64,
}

/// The ids are what let clients in: they are not shown.
impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("open", &self.open.len())
            .finish_non_exhaustive()
    }
}

impl Sessions {
    pub(crate) fn open(&self, version: &'static str, declared: Declared) -> Result<Arc<Session>, SessionError> {
        let id = random_id().ok_or(SessionError::NoId)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let session = Arc::new(Session::new(id.clone(), number, version, declared));
        if self.open.len() >= MAX_SESSIONS {
            return Err(SessionError::TooMany);
        }
        self.open.pin().insert(id, Arc::clone(&session));
        Ok(session)
    }

    pub(crate) fn get(&self, id: &str) -> Result<Arc<Session>, SessionError> {
        let open = self.open.pin();
        let session = open.get(id).ok_or(SessionError::Unknown)?;
        session.touch();
        Ok(Arc::clone(session))
    }

    /// Ends a session.
    pub(crate) fn close(&self, id: &str) -> Option<Arc<Session>> {
        let session = self.open.pin().remove(id).cloned()?;
        session.end();
        Some(session)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.open.pin().values().cloned().collect()
    }

    /// Sessions that nobody uses any more.
    pub(crate) fn idle(&self) -> Vec<Arc<Session>> {
        self.all()
            .into_iter()
            .filter(|session| session.last_use().is_some_and(|last| last.elapsed() >= MAX_IDLE))
            .collect()
    }

    /// The session that nobody has used for longest; `None` when all are in use.
    pub(crate) fn longest_idle(&self) -> Option<Arc<Session>> {
        let open = self.open.pin();
        let idle = open.values().filter_map(|session| Some((session.last_use()?, session)));
        idle.min_by_key(|(last, _)| *last)
            .map(|(_, session)| Arc::clone(session))
    }
}

/// 128 random bits in hexadecimal (MCP "Session management": not to be guessed, visible ASCII); `None` when the system
/// gives no random numbers.
#[must_use]
pub fn random_id() -> Option<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_longest_idle_session_is_none_that_is_in_use() {
        let sessions = Sessions::default();
        let open = || sessions.open("2025-11-25", Declared::nothing()).unwrap();
        assert!(sessions.longest_idle().is_none());
        let (first, second) = (open(), open());
        tokio::time::sleep(Duration::from_millis(5)).await;
        first.touch();
        assert_eq!(sessions.longest_idle().unwrap().number(), second.number());
        let _reading = second.reading();
        assert_eq!(sessions.longest_idle().unwrap().number(), first.number());
        let _call = first.begin(&argus_protocol::Id::number(1)).unwrap();
        assert!(sessions.longest_idle().is_none());
    }

    #[test]
    fn debug_hides_ids() {
        let sessions = Sessions::default();
        let session = sessions.open("2025-11-25", Declared::nothing()).unwrap();
        assert!(!format!("{sessions:?}").contains(session.id()));
    }
}
