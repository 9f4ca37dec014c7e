//! All sessions.

use std::collections::HashMap as Counts;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use argus_config::Server;
use argus_upstream::Declared;
use papaya::HashMap;

use super::lasting::{Lasting, Returning};
use super::rings::Pool;
use super::state::{Opening, Session, lock};
use super::token::Token;
use super::{Caller, Transport};
use crate::journal::Journal;
use crate::seal::Seal;
use crate::stalls::Stalls;

/// Why there is no such session.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Unknown or ended.
    #[error("there is no such session; send `initialize` again")]
    Unknown,
    /// Too many are open.
    #[error("{0} sessions are open (server.max_sessions) and all are in use; end some and try again")]
    TooMany(usize),
    /// The caller has too many open.
    #[error(
        "{0} sessions of this caller are open (server.max_sessions_per_caller) and all are in use; end some and try again"
    )]
    TooManyOfCaller(usize),
    /// The system gives no random numbers for an id.
    #[error("no session id can be made")]
    NoId,
}

/// How many sessions there may be, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) all: usize,
    pub(crate) per_caller: usize,
    pub(crate) idle: Duration,
}

impl From<&Server> for Bounds {
    fn from(server: &Server) -> Self {
        Self {
            all: server.max_sessions,
            per_caller: server.max_sessions_per_caller,
            idle: server.session_idle_timeout,
        }
    }
}

/// Sessions by id. Looked up once per request, without a lock.
pub(crate) struct Sessions {
    open: HashMap<Arc<str>, Arc<Session>, Ends>,
    next: AtomicU64,
    bounds: Bounds,
    /// How many each caller has. Held while a session is opened or ended, so that no bound is exceeded.
    counts: Mutex<Counts<Caller, usize>>,
    pool: Arc<Pool>,
    stalls: Arc<Stalls>,
    /// `None`: all sessions end with this process.
    journal: Option<Arc<Journal>>,
    seal: Arc<Seal>,
}

/// How long a session is to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// As long as the connection that it belongs to, which is of this transport.
    OfConnection(Transport),
    /// Until it ends, also when the gateway is started anew.
    Lasting,
}

impl Life {
    fn transport(self) -> Transport {
        match self {
            Self::OfConnection(transport) => transport,
            Self::Lasting => Transport::StreamableHttp,
        }
    }
}

/// Hashes the end of an id, which is as good as random (in a sealed one it is the seal); the rest is long, and tells ids
/// apart no better.
#[derive(Debug, Default, Clone)]
struct Ends(RandomState);

struct EndHasher<H>(H);

impl BuildHasher for Ends {
    type Hasher = EndHasher<<RandomState as BuildHasher>::Hasher>;

    fn build_hasher(&self) -> Self::Hasher {
        EndHasher(self.0.build_hasher())
    }
}

impl<H: Hasher> Hasher for EndHasher<H> {
    fn write(&mut self, bytes: &[u8]) {
        let (_, end) = bytes.split_at(bytes.len().saturating_sub(16));
        self.0.write(end);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
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
    pub(crate) fn new(bounds: Bounds, journal: Option<Arc<Journal>>, seal: Arc<Seal>) -> Self {
        Self {
            open: HashMap::with_hasher(Ends::default()),
            next: AtomicU64::new(0),
            bounds,
            counts: Mutex::default(),
            pool: Arc::default(),
            stalls: Arc::default(),
            journal,
            seal,
        }
    }

    /// The journal of the sessions that outlive this process.
    pub(crate) fn journal(&self) -> Option<&Arc<Journal>> {
        self.journal.as_ref()
    }

    /// What looks after streams that are not read.
    pub(crate) fn stalls(&self) -> &Arc<Stalls> {
        &self.stalls
    }

    /// How long a session may be unused.
    pub(crate) fn max_idle(&self) -> Duration {
        self.bounds.idle
    }

    /// Opens a session. Where there are too many, this fails; [`Sessions::longest_idle`] then tells which could make
    /// room.
    pub(crate) fn open(
        &self,
        version: &'static str,
        declared: Declared,
        caller: Caller,
        life: Life,
    ) -> Result<Arc<Session>, SessionError> {
        let lasts = life == Life::Lasting && Token::can_last(&declared);
        let Some(journal) = self.journal.as_ref().filter(|_| lasts) else {
            let id = random_id().ok_or(SessionError::NoId)?;
            return self.admit(&id, caller, |number| {
                let opening = self.opening(&id, number, version, declared, caller);
                Ok(Session::new(opening).over_transport(life.transport()))
            });
        };
        let key = journal.key().ok_or(SessionError::NoId)?;
        let id = Token::seal(&self.seal, key, version, caller, &declared).ok_or(SessionError::NoId)?;
        let more = (!Token::holds(&declared)).then(|| declared.clone());
        let session = self.admit(&id, caller, |number| {
            let session = Session::new(self.opening(&id, number, version, declared, caller));
            Ok(session.that_lasts(Lasting::first(journal, key)))
        })?;
        if let Some(declared) = more {
            journal.declared(key, &declared);
        }
        Ok(session)
    }

    /// A session of an earlier process, whose client is back with its id.
    pub(crate) fn returning(&self, id: &str, caller: Caller) -> Option<Returning> {
        let journal = self.journal.as_ref()?;
        Returning::of(Token::open(&self.seal, id, caller)?, journal)
    }

    /// Takes it in again: once, whoever asks for it meanwhile. Fails like [`Sessions::open`] where there are too many.
    pub(crate) fn take_in(
        &self,
        id: &str,
        returning: &Returning,
        caller: Caller,
    ) -> Result<Arc<Session>, SessionError> {
        let journal = self.journal.as_ref().ok_or(SessionError::Unknown)?;
        let session = self.admit(id, caller, |number| {
            // It may have been here and have ended since it was looked for.
            if returning.has_ended(journal) {
                return Err(SessionError::Unknown);
            }
            let opening = self.opening(id, number, returning.version, returning.declared.clone(), caller);
            Ok(returning.settle_in(Session::new(opening), journal))
        })?;
        returning.is_back(journal);
        Ok(session)
    }

    /// Lets a session in, unless there are too many; the one that is there where it is there already.
    fn admit(
        &self,
        id: &str,
        caller: Caller,
        make: impl FnOnce(u64) -> Result<Session, SessionError>,
    ) -> Result<Arc<Session>, SessionError> {
        let mut counts = lock(&self.counts);
        if let Some(here) = self.open.pin().get(id) {
            return Ok(Arc::clone(here));
        }
        let theirs = counts.get(&caller).copied().unwrap_or_default();
        if theirs >= self.bounds.per_caller {
            return Err(SessionError::TooManyOfCaller(self.bounds.per_caller));
        }
        if self.open.len() >= self.bounds.all {
            return Err(SessionError::TooMany(self.bounds.all));
        }
        let session = Arc::new(make(self.next.fetch_add(1, Ordering::Relaxed) + 1)?);
        counts.insert(caller, theirs + 1);
        self.open.pin().insert(session.shared_id(), Arc::clone(&session));
        Ok(session)
    }

    fn opening(&self, id: &str, number: u64, version: &'static str, declared: Declared, caller: Caller) -> Opening {
        Opening {
            id: id.into(),
            number,
            version,
            declared,
            caller,
            pool: Arc::clone(&self.pool),
            stalls: Arc::clone(&self.stalls),
        }
    }

    /// The session of an id. It is its principal's alone: to others it is unknown (MCP "Security best practices").
    pub(crate) fn get(&self, id: &str, caller: Caller) -> Result<Arc<Session>, SessionError> {
        let open = self.open.pin();
        let session = open.get(id).ok_or(SessionError::Unknown)?;
        if session.caller().principal() != caller.principal() {
            return Err(SessionError::Unknown);
        }
        session.touch();
        Ok(Arc::clone(session))
    }

    /// Ends a session for good.
    pub(crate) fn close(&self, id: &str) -> Option<Arc<Session>> {
        // Before it is no longer here, so that it does not come back.
        if let Some(session) = self.open.pin().get(id) {
            session.mark_ended();
        }
        let session = self.leave(id)?;
        session.cancel_all();
        Some(session)
    }

    /// Ends what a session holds in this process; it may come back in another one.
    pub(crate) fn leave(&self, id: &str) -> Option<Arc<Session>> {
        let session = self.take(id)?;
        session.end();
        Some(session)
    }

    fn take(&self, id: &str) -> Option<Arc<Session>> {
        let mut counts = lock(&self.counts);
        let session = self.open.pin().remove(id).cloned()?;
        if let Some(count) = counts.get_mut(&session.caller()) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&session.caller());
            }
        }
        Some(session)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Session>> {
        self.open.pin().values().cloned().collect()
    }

    /// How many there are of each transport.
    pub(crate) fn by_transport(&self) -> [(Transport, usize); 3] {
        let open = self.open.pin();
        Transport::ALL.map(|transport| {
            let of_it = open.values().filter(|session| session.transport() == transport);
            (transport, of_it.count())
        })
    }

    /// Sessions that nobody uses any more.
    pub(crate) fn idle(&self) -> Vec<Arc<Session>> {
        self.all()
            .into_iter()
            .filter(|session| {
                session
                    .last_use()
                    .is_some_and(|last| last.elapsed() >= self.bounds.idle)
            })
            .collect()
    }

    /// Of all sessions, or of those of one caller, the one that nobody has used for longest; `None` when all are in
    /// use.
    pub(crate) fn longest_idle(&self, of: Option<Caller>) -> Option<Arc<Session>> {
        let open = self.open.pin();
        let candidates = open
            .values()
            .filter(|session| of.is_none_or(|caller| session.caller() == caller));
        let idle = candidates.filter_map(|session| Some((session.last_use()?, session)));
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

    fn sessions(all: usize, per_caller: usize) -> Sessions {
        let bounds = Bounds {
            all,
            per_caller,
            idle: Duration::from_secs(3600),
        };
        Sessions::new(bounds, None, Arc::new(Seal::ephemeral().unwrap()))
    }

    fn caller(last: u8) -> Caller {
        Caller::at([10, 0, 0, last].into())
    }

    fn open(sessions: &Sessions, last: u8) -> Result<Arc<Session>, SessionError> {
        sessions.open("2025-11-25", Declared::nothing(), caller(last), Life::Lasting)
    }

    #[tokio::test]
    async fn the_longest_idle_session_is_none_that_is_in_use() {
        let sessions = sessions(10, 10);
        let number = |of| sessions.longest_idle(of).map(|session| session.number());
        assert!(number(None).is_none());
        let (first, second) = (open(&sessions, 1).unwrap(), open(&sessions, 2).unwrap());
        tokio::time::sleep(Duration::from_millis(5)).await;
        first.touch();
        assert_eq!(number(None), Some(second.number()));
        assert_eq!(number(Some(caller(1))), Some(first.number()));
        assert_eq!(number(Some(caller(3))), None);
        let _reading = second.reading();
        assert_eq!(number(None), Some(first.number()));
        let _call = first.begin(&argus_protocol::Id::number(1)).unwrap();
        assert!(number(None).is_none());
    }

    #[test]
    fn sessions_are_bounded_for_each_caller_and_for_all() {
        let sessions = sessions(3, 2);
        let (first, _second) = (open(&sessions, 1).unwrap(), open(&sessions, 1).unwrap());
        assert!(matches!(open(&sessions, 1), Err(SessionError::TooManyOfCaller(2))));
        open(&sessions, 2).unwrap();
        assert!(matches!(open(&sessions, 3), Err(SessionError::TooMany(3))));
        assert!(sessions.close(first.id()).is_some() && sessions.close(first.id()).is_none());
        open(&sessions, 1).unwrap();
        assert!(matches!(open(&sessions, 1), Err(SessionError::TooManyOfCaller(2))));
    }

    #[test]
    fn debug_hides_ids() {
        let sessions = sessions(1, 1);
        let session = open(&sessions, 1).unwrap();
        assert!(!format!("{sessions:?}").contains(session.id()));
    }
}
