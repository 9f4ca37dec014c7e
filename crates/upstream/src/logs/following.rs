//! Following a log at one's own pace.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Log, LogLine};
use crate::ring::At;

/// One who follows. What it comes too late for is left out, as the numbers of the lines show.
#[derive(Debug)]
pub struct LogFollowing {
    log: Arc<Log>,
    written: watch::Receiver<bool>,
    /// The number of the line that is next.
    next: u64,
}

impl LogFollowing {
    pub(super) fn new(log: Arc<Log>, written: watch::Receiver<bool>, next: u64) -> Self {
        Self { log, written, next }
    }

    /// The next line, once it is there; `None` when the backend is no more. Dropping this loses nothing.
    pub async fn next(&mut self) -> Option<Arc<LogLine>> {
        loop {
            let over = *self.written.borrow_and_update();
            if let Some(line) = self.ready() {
                return Some(line);
            }
            if over {
                return None;
            }
            // The sender is with the log.
            let _ = self.written.changed().await;
        }
    }

    /// The next line, if it is there already.
    pub fn ready(&mut self) -> Option<Arc<LogLine>> {
        loop {
            match self.log.at(self.next) {
                At::Kept(line) => {
                    self.next += 1;
                    return Some(line);
                }
                At::Missed(count) => self.next += count,
                At::Later => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Start;

    fn log(lines: u64) -> Arc<Log> {
        let log = Arc::new(Log::default());
        write(&log, lines);
        log
    }

    fn write(log: &Log, lines: u64) {
        (0..lines).for_each(|_| log.push(Some(1), "x"));
    }

    fn next(following: &mut LogFollowing) -> Option<u64> {
        following.ready().map(|line| line.number)
    }

    #[tokio::test(start_paused = true)]
    async fn it_begins_where_it_is_told_and_hears_what_comes() {
        let log = log(5);
        for (start, first) in [
            (Start::Newest(0), None),
            (Start::Newest(2), Some(4)),
            (Start::Newest(99), Some(1)),
            (Start::After(0), Some(1)),
            (Start::After(3), Some(4)),
            (Start::After(5), None),
            // Of no line yet.
            (Start::After(6), Some(1)),
        ] {
            assert_eq!(next(&mut log.follow(start)), first, "{start:?}");
        }
        let mut following = log.follow(Start::Newest(0));
        let writer = Arc::clone(&log);
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            write(&writer, 2);
        });
        assert_eq!(following.next().await.unwrap().number, 6);
        assert_eq!(following.next().await.unwrap().number, 7);
    }

    #[test]
    fn who_is_slow_goes_on_with_what_is_kept() {
        let log = log(0);
        let mut following = log.follow(Start::Newest(0));
        write(&log, 2500);
        assert_eq!(next(&mut following), Some(1501));
        assert_eq!(next(&mut following), Some(1502));
    }
}
