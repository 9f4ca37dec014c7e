//! How many lines of one process are kept: a flood must cost little, and not drive out all that was said before it.

use std::time::Duration;

use tokio::time::Instant;

/// Of what a process writes for people.
const SAID: Pace = Pace {
    burst: Room {
        lines: 1000,
        bytes: 256 << 10,
    },
    each: Room {
        lines: 100,
        bytes: 32 << 10,
    },
};
/// Of what is not to be said at all, so many lines: far fewer than a log keeps.
const JUNK: Pace = Pace {
    burst: Room {
        lines: 100,
        bytes: 32 << 10,
    },
    each: Room {
        lines: 10,
        bytes: 4 << 10,
    },
};
const SECOND: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
struct Room {
    lines: u64,
    bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    /// So many lines, and bytes, may come at once.
    burst: Room,
    /// So many more with each second.
    each: Room,
}

/// Counts the lines of a process.
#[derive(Debug)]
pub(super) struct Quota {
    pace: Pace,
    room: Room,
    /// When there was more room last.
    since: Instant,
    /// How many lines were left out, and the last of them.
    left_out: u64,
    last: Option<String>,
}

impl Quota {
    /// Of what a process writes for people.
    pub(super) fn new() -> Self {
        Self::with(SAID)
    }

    /// Of what it writes where messages are to be.
    pub(super) fn of_junk() -> Self {
        Self::with(JUNK)
    }

    fn with(pace: Pace) -> Self {
        Self {
            pace,
            room: pace.burst,
            since: Instant::now(),
            left_out: 0,
            last: None,
        }
    }

    /// The line, if it may be kept.
    pub(super) fn admit(&mut self, line: String) -> Option<String> {
        if self.admits(line.len()) {
            return Some(line);
        }
        self.last = Some(line);
        None
    }

    /// Whether a line of so many bytes may be kept; else it is left out.
    pub(super) fn admits(&mut self, bytes: usize) -> bool {
        if self.left_out == 0 {
            self.grow();
            let lines = self.room.lines.checked_sub(1);
            let bytes = self.room.bytes.checked_sub(bytes as u64);
            if let (Some(lines), Some(bytes)) = (lines, bytes) {
                self.room = Room { lines, bytes };
                return true;
            }
        }
        self.left_out += 1;
        false
    }

    /// When it is to be told that lines were left out, if some were.
    pub(super) fn tell_at(&self) -> Option<Instant> {
        (self.left_out > 0).then(|| self.since + SECOND)
    }

    /// How many lines were left out since this was asked last, and the last of them.
    pub(super) fn take(&mut self) -> Option<(u64, Option<String>)> {
        self.grow();
        let count = std::mem::take(&mut self.left_out);
        let last = self.last.take();
        (count > 0).then_some((count, last))
    }

    fn grow(&mut self) {
        let seconds = self.since.elapsed().as_secs();
        if seconds > 0 {
            self.since += Duration::from_secs(seconds);
            let Pace { burst, each } = self.pace;
            self.room.lines = burst.lines.min(self.room.lines + each.lines.saturating_mul(seconds));
            self.room.bytes = burst.bytes.min(self.room.bytes + each.bytes.saturating_mul(seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(quota: &mut Quota, line: &str) -> usize {
        (0..2000).filter_map(|_| quota.admit(line.to_owned())).count()
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_at_once_and_the_others_are_counted() {
        let mut quota = Quota::new();
        assert_eq!(admitted(&mut quota, "x"), 1000);
        tokio::time::advance(SECOND).await;
        assert!(quota.tell_at().unwrap() <= Instant::now());
        assert_eq!(quota.admit("y".to_owned()), None);
        assert_eq!(quota.take(), Some((1001, Some("y".to_owned()))));
        assert!(quota.tell_at().is_none());
        assert_eq!(admitted(&mut quota, "x"), 100);
        tokio::time::advance(SECOND * 1000).await;
        assert_eq!(quota.take().unwrap().0, 1900);
        assert_eq!(admitted(&mut quota, "x"), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn long_lines_are_fewer() {
        let mut quota = Quota::new();
        let line = "x".repeat(8 << 10);
        assert_eq!(admitted(&mut quota, &line), 32);
        tokio::time::advance(SECOND).await;
        quota.take();
        assert_eq!(admitted(&mut quota, &line), 4);
    }
}
