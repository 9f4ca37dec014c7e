//! The newest lines of one backend.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use tokio::sync::watch;

use super::following::LogFollowing;
use crate::Run;
use crate::ring::{At, Ring};

/// So many lines are kept at most.
const MOST: usize = 1000;
/// And so many bytes of them.
const MOST_BYTES: usize = 256 << 10;

/// The newest lines that the processes of a backend wrote. See [`logs`](super).
pub struct Log {
    /// Numbers begin anew with each log.
    run: Run,
    ring: Mutex<Ring<LogLine>>,
    /// Wakes who follows; `true` once the backend is no more.
    written: watch::Sender<bool>,
}

/// One line.
#[derive(Debug)]
pub struct LogLine {
    /// Grows by one with each line of the backend, from 1.
    pub number: u64,
    /// The log that it is in.
    run: Run,
    /// When it was read.
    pub time: SystemTime,
    /// The process that wrote it.
    pub pid: Option<u32>,
    /// What it says, without secrets and harmless on a terminal.
    pub text: String,
    /// How a face writes it, once for all who follow.
    pub rendered: OnceLock<Bytes>,
}

/// The newest lines.
#[derive(Debug)]
pub struct Newest {
    /// Oldest first.
    pub lines: Vec<Arc<LogLine>>,
    /// How many came before what is kept.
    pub forgotten: u64,
    /// The place after all lines, see [`Log::number`].
    pub place: String,
}

/// Where to begin to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the newest so many lines.
    Newest(usize),
    /// After the line of this number; with all that is kept when there is no such line yet.
    After(u64),
}

impl Default for Log {
    fn default() -> Self {
        Self {
            run: Run::begin(),
            ring: Mutex::new(Ring::new(MOST, MOST_BYTES)),
            written: watch::Sender::new(false),
        }
    }
}

impl LogLine {
    /// Where it stands: in this log, and in no other one.
    #[must_use]
    pub fn place(&self) -> String {
        place(self.run, self.number)
    }
}

fn place(run: Run, number: u64) -> String {
    format!("{run}-{number}")
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

impl Log {
    /// Keeps a line, which must be clean already, and tells who follows. Nobody is waited for.
    pub(super) fn push(&self, pid: Option<u32>, text: impl Into<String>) {
        let (text, time) = (text.into(), SystemTime::now());
        self.ring().push(text.len(), |number| LogLine {
            number,
            run: self.run,
            time,
            pid,
            text,
            rendered: OnceLock::new(),
        });
        self.written.send_modify(|_| ());
    }

    /// The newest `limit` lines.
    #[must_use]
    pub fn newest(&self, limit: usize) -> Newest {
        let ring = self.ring();
        let skipped = ring.iter().len().saturating_sub(limit);
        Newest {
            lines: ring.iter().skip(skipped).cloned().collect(),
            forgotten: ring.oldest() - 1,
            place: place(self.run, ring.newest()),
        }
    }

    /// The number that is meant by a place, as a line has one ([`LogLine::place`]); `None` when it is in another log, as
    /// one of an earlier run of the gateway is.
    #[must_use]
    pub fn number(&self, place: &str) -> Option<u64> {
        let (run, number) = place.split_once('-')?;
        number.parse().ok().filter(|_| self.run.is(run))
    }

    /// Follows the lines.
    #[must_use]
    pub fn follow(self: &Arc<Self>, start: Start) -> LogFollowing {
        let written = self.written.subscribe();
        let next = {
            let ring = self.ring();
            match start {
                Start::Newest(count) => ring.newest() + 1 - count.min(ring.iter().len()) as u64,
                Start::After(number) if number <= ring.newest() => number + 1,
                Start::After(_) => ring.oldest(),
            }
        };
        LogFollowing::new(Arc::clone(self), written, next)
    }

    /// The backend is no more.
    pub(super) fn end(&self) {
        self.written.send_replace(true);
    }

    pub(super) fn at(&self, number: u64) -> At<LogLine> {
        self.ring().at(number)
    }

    fn ring(&self) -> MutexGuard<'_, Ring<LogLine>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_within_bounds_and_the_others_counted() {
        let log = Log::default();
        for number in 1..=MOST + 10 {
            log.push(Some(7), number.to_string());
        }
        let Newest { lines, forgotten, .. } = log.newest(usize::MAX);
        assert_eq!((lines.len(), forgotten), (MOST, 10));
        assert_eq!((lines[0].number, &*lines[0].text), (11, "11"));
        let Newest { lines, forgotten, .. } = log.newest(2);
        assert_eq!((lines[0].number, lines.len(), forgotten), (1009, 2, 10));
        for _ in 0..100 {
            log.push(None, "x".repeat(8 << 10));
        }
        assert_eq!(log.newest(usize::MAX).lines.len(), 32);
    }

    #[test]
    fn places_are_of_one_log() {
        let (log, later) = (
            Log::default(),
            Log {
                run: Run::from(7),
                ..Log::default()
            },
        );
        assert_eq!(
            later.newest(9).place,
            "0000000000000007-0",
            "before the first line, too"
        );
        for log in [&log, &later] {
            log.push(None, "x");
        }
        let newest = log.newest(1);
        assert_eq!(newest.place, newest.lines[0].place());
        assert_eq!(
            (log.number(&newest.place), later.number(&newest.place)),
            (Some(1), None)
        );
        for odd in [
            "",
            "1",
            "-1",
            "0000000000000007",
            "0000000000000007-",
            "0000000000000007-x",
            "7-1",
            "é-1",
        ] {
            assert_eq!(later.number(odd), None, "{odd}");
        }
    }
}
