//! Writes the journal, off the path of any request.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::Journal;
use super::record::{LAYOUT, Record};
use crate::core::Core;
use crate::session::Session;

/// How long after a failure it is tried again.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a disk that does not answer may hold up the end.
const LIMIT: Duration = Duration::from_secs(2);
/// A session is among the living at the latest so many milliseconds after its birth.
const MARGIN: u64 = 60_000;
/// So many ended sessions are known one by one.
const MAX_ENDED: usize = 100_000;
/// So long a journal may be when it is written anew; of the sessions that do not fit, less is kept.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Writes what changes until the journal is finished.
pub(crate) async fn keep(core: Arc<Core>, journal: Arc<Journal>) {
    let forgetting = tokio::time::sleep(journal.idle);
    tokio::pin!(forgetting);
    let mut forgotten = false;
    let mut failing = false;
    loop {
        let last = journal.over.is_cancelled();
        let failed = !write(&core, &journal, failing).await;
        if last {
            // Not where a disk that does not answer holds it.
            if let Ok(mut file) = journal.file.try_lock() {
                file.release();
            }
            return;
        }
        let again = async {
            match failed {
                true => tokio::time::sleep(PAUSE).await,
                false => journal.changed.notified().await,
            }
        };
        failing = failed;
        tokio::select! {
            () = journal.over.cancelled() => {}
            () = again => {}
            () = &mut forgetting, if !forgotten => {
                forgotten = true;
                journal.forget();
            }
        }
    }
}

/// Waits for the disk; once the journal is finished, only for so long. `false` when it failed.
async fn write(core: &Arc<Core>, journal: &Arc<Journal>, failing: bool) -> bool {
    let writing = tokio::task::spawn_blocking({
        let (core, journal) = (Arc::clone(core), Arc::clone(journal));
        move || {
            journal.write(|| {
                let all = core.sessions.all();
                // They leave this process, but live on.
                journal.last.get().cloned().unwrap_or(all)
            })
        }
    });
    let finished = async {
        journal.over.cancelled().await;
        tokio::time::sleep(LIMIT).await;
    };
    tokio::select! {
        written = writing => match written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            Ok(()) => {
                if failing {
                    tracing::info!("the journal of sessions is written again");
                }
                true
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(
                        %error,
                        "the journal of sessions cannot be written, so a restart may lose some, and what they \
                         subscribed to; free the disk, it is tried again every {} s",
                        PAUSE.as_secs()
                    );
                }
                false
            }
        },
        () = finished => false,
    }
}

impl Journal {
    /// Sessions of before the start that nobody came back for in time have ended.
    pub(super) fn forget(&self) {
        let mut book = self.book();
        book.waiting.clear();
        book.anew = true;
    }

    /// Writes what is not in the file yet.
    pub(super) fn write(&self, living: impl FnOnce() -> Vec<Arc<Session>>) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let is_long = file.is_long();
        let pending = {
            let mut book = self.book();
            book.anew |= is_long || book.ended.len() > MAX_ENDED;
            (!book.anew).then(|| std::mem::take(&mut book.pending))
        };
        let written = match pending {
            Some(lines) if lines.is_empty() => Ok(()),
            Some(lines) => file.append(&lines),
            None => file.write_anew(&self.whole(living)),
        };
        let written = match self.over.is_cancelled() {
            true => written.and_then(|()| file.sync()),
            false => written,
        };
        if written.is_err() {
            self.book().anew = true;
        }
        written
    }

    /// The whole journal. What changes meanwhile is noted again behind it, which does no harm.
    fn whole(&self, living: impl FnOnce() -> Vec<Arc<Session>>) -> Vec<u8> {
        let mut text = Vec::new();
        let mut left_out = 0_usize;
        {
            let mut book = self.book();
            book.anew = false;
            book.pending.clear();
            book.horizon = self.horizon(book.horizon, book.ended.len());
            Record::Begin(LAYOUT, book.horizon).write(&mut text);
            for (key, kept) in book.waiting.iter().rev() {
                match text.len() < MAX_BYTES {
                    true => kept.write(*key, &mut text),
                    false => left_out += 1,
                }
            }
        }
        // Who comes back is among the living before it is no longer among those that are waited for.
        for session in living() {
            if let Some((key, kept)) = session.kept() {
                match text.len() < MAX_BYTES {
                    true => kept.write(key, &mut text),
                    // That it lives has room in any case.
                    false => {
                        Record::Open(key).write(&mut text);
                        left_out += 1;
                    }
                }
            }
        }
        // Who ends is among the ended before it is no longer among the living.
        let mut book = self.book();
        for key in &book.ended {
            Record::Ended(*key).write(&mut text);
        }
        let horizon = book.horizon;
        book.ended.retain(|key| key.born > horizon);
        if left_out > 0 {
            tracing::warn!(
                sessions = left_out,
                "too much is subscribed to; a restart loses some of it"
            );
        }
        text
    }

    /// Until when all sessions have ended that are not listed: as long as those of earlier processes may come back, they
    /// are not, for of most of them nothing is known.
    fn horizon(&self, before: u64, ended: usize) -> u64 {
        if ended <= MAX_ENDED && self.started.elapsed() <= self.idle {
            return before;
        }
        before.max(self.began).max(self.time().saturating_sub(MARGIN))
    }
}
