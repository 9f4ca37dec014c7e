//! What has to be known of sessions after a restart beside what their ids say: which of them have ended, and what the
//! others subscribed to and want to hear.
//!
//! The truth is in memory: in the sessions themselves, and in the [`Book`]. The file only follows it (`keeper`), so a
//! disk that is full or slow holds nobody up; when it takes something again, the file is written anew.

mod book;
mod file;
mod keeper;
mod record;

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use argus_protocol::Level;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::session::{Key, Session};
use book::Book;
pub(crate) use book::Kept;
use file::File;
pub(crate) use keeper::keep;
use record::Record;

/// A session is at most one millisecond younger than the clock says (see [`Journal::time`]). Who starts without a
/// journal waits until the clock has passed them all, however soon after the last process it is.
const TICKS: Duration = Duration::from_millis(3);

/// The journal of the sessions, in the data folder.
#[derive(Debug)]
pub(crate) struct Journal {
    file: Mutex<File>,
    book: Mutex<Book>,
    /// There is something to write.
    changed: Notify,
    /// Nothing more comes: what is there is written, and the keeper ends.
    over: CancellationToken,
    /// The sessions that lived when the process began to stop.
    last: OnceLock<Vec<Arc<Session>>>,
    /// Sessions of this process are born later, all others were born until then.
    began: u64,
    started: Instant,
    /// How long a session may be unused. Those of before the start, too: what they did since the start is nothing.
    idle: Duration,
    /// The newest time that was given out.
    newest: AtomicU64,
    epoch: u32,
}

impl Journal {
    /// The journal in a folder. `None`, with a warning, when it cannot be had: then no session outlives the process.
    /// `sessions` is how many there may be at once.
    pub(crate) fn in_folder(folder: &Path, idle: Duration, sessions: usize) -> Option<Arc<Self>> {
        let mut file = match File::open(folder) {
            Ok(file) => file,
            // Usual where several clients start a gateway each (`argus-mcp stdio`), whose sessions are not to last.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                tracing::info!(%error, "there is no journal of sessions; they end with this process");
                return None;
            }
            Err(error) => {
                tracing::warn!(%error, "there is no journal of sessions in {}; they end with this process", folder.display());
                return None;
            }
        };
        let book = match file.read() {
            Ok(Some(text)) => Book::read(&text, sessions.saturating_mul(2)),
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(%error, "the journal of sessions cannot be read; those of before this start have ended");
                None
            }
        };
        if book.is_none() {
            #[expect(
                clippy::disallowed_methods,
                reason = "nothing else runs yet, and it is three milliseconds"
            )]
            std::thread::sleep(TICKS);
        }
        let newest = book.as_ref().map_or(0, Book::newest);
        let began = clock().max(newest);
        Some(Arc::new(Self {
            file: Mutex::new(file),
            // Without a journal nobody knows which sessions have ended: all of them.
            book: Mutex::new(book.unwrap_or_else(|| Book::since(began))),
            changed: Notify::new(),
            over: CancellationToken::new(),
            last: OnceLock::new(),
            began,
            started: Instant::now(),
            idle,
            newest: AtomicU64::new(began.saturating_add(1)),
            epoch: epoch()?,
        }))
    }

    /// A key for a new session; `None` when the system gives no random numbers.
    pub(crate) fn key(&self) -> Option<Key> {
        let mut random = [0; 4];
        getrandom::fill(&mut random).ok()?;
        Some(Key {
            born: self.time(),
            epoch: self.epoch,
            random: u32::from_be_bytes(random),
        })
    }

    /// Which life of its sessions this process is; never 0.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// What is known of a session of an earlier process; `None` when it has ended.
    pub(crate) fn kept(&self, key: Key) -> Option<Kept> {
        // One of this process that is not among the living has ended.
        let is_earlier = key.epoch != self.epoch && self.started.elapsed() <= self.idle;
        self.book().kept(key).filter(|_| is_earlier)
    }

    /// A session of an earlier process is among the living again.
    pub(crate) fn returned(&self, key: Key) {
        self.book().waiting.remove(&key);
    }

    /// A session has ended, and is not to come back.
    pub(crate) fn end(&self, key: Key) {
        let mut book = self.book();
        book.waiting.remove(&key);
        book.ended.insert(key);
        book.note(&Record::Ended(key));
        drop(book);
        self.changed.notify_one();
    }

    /// A session wants to hear log messages of this level.
    pub(crate) fn level(&self, key: Key, level: Level) {
        self.note(&Record::Level(key, level.name().into()));
    }

    /// A session subscribed to a resource.
    pub(crate) fn subscribed(&self, key: Key, backend: &str, uri: &str) {
        self.note(&Record::Subscribed(key, backend.into(), uri.into()));
    }

    /// A session no longer subscribes to a resource.
    pub(crate) fn unsubscribed(&self, key: Key, backend: &str, uri: &str) {
        self.note(&Record::Unsubscribed(key, backend.into(), uri.into()));
    }

    /// The client of a session said more of itself than its id can hold.
    pub(crate) fn declared(&self, key: Key, declared: &argus_upstream::Declared) {
        self.note(&Record::of_declared(key, declared));
    }

    /// The process is about to stop: these sessions leave it, and are not at their end.
    pub(crate) fn last(&self, living: Vec<Arc<Session>>) {
        let _ = self.last.set(living);
    }

    /// Nothing more comes.
    pub(crate) fn finish(&self) {
        self.over.cancel();
    }

    fn note(&self, record: &Record<'_>) {
        self.book().note(record);
        self.changed.notify_one();
    }

    /// The time, which goes on whatever the clock is set to.
    fn time(&self) -> u64 {
        let now = clock();
        self.newest.fetch_max(now, Ordering::Relaxed).max(now)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since 1970.
fn clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A number that no other process is likely to have, and not 0.
fn epoch() -> Option<u32> {
    let mut random = [0; 4];
    getrandom::fill(&mut random).ok()?;
    Some(u32::from_be_bytes(random).max(1))
}

#[cfg(test)]
mod tests;
