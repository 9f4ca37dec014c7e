//! Who called lately without a session: clients of 2026-07-28.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use papaya::HashMap;

use crate::session::Caller;

/// How long a caller counts after its last request.
const RECENT: Duration = Duration::from_secs(300);
/// Of more callers than this the others are not counted.
const MAX_CALLERS: usize = 10_000;

/// The callers, with the second of the last request. Noting one that is known takes no lock, and writes once a second.
pub(crate) struct Stateless {
    began: Instant,
    callers: HashMap<Caller, AtomicU64>,
}

impl Default for Stateless {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            callers: HashMap::new(),
        }
    }
}

impl fmt::Debug for Stateless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stateless")
            .field("callers", &self.callers.len())
            .finish_non_exhaustive()
    }
}

impl Stateless {
    /// A caller makes a request.
    pub(crate) fn note(&self, caller: Caller) {
        self.note_at(caller, self.now());
    }

    /// How many callers there were lately.
    pub(crate) fn recent(&self) -> usize {
        self.recent_at(self.now())
    }

    /// Forgets those of before.
    pub(crate) fn sweep(&self) {
        self.sweep_at(self.now());
    }

    fn note_at(&self, caller: Caller, now: u64) {
        let callers = self.callers.pin();
        match callers.get(&caller) {
            Some(last) if last.load(Ordering::Relaxed) >= now => {}
            Some(last) => last.store(now, Ordering::Relaxed),
            None if callers.len() < MAX_CALLERS => {
                callers.insert(caller, AtomicU64::new(now));
            }
            None => {}
        }
    }

    fn recent_at(&self, now: u64) -> usize {
        let callers = self.callers.pin();
        callers.values().filter(|last| is_recent(last, now)).count()
    }

    fn sweep_at(&self, now: u64) {
        self.callers.pin().retain(|_, last| is_recent(last, now));
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_secs()
    }
}

fn is_recent(last: &AtomicU64, now: u64) -> bool {
    now.saturating_sub(last.load(Ordering::Relaxed)) <= RECENT.as_secs()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn caller(number: u32) -> Caller {
        Caller::at(Ipv4Addr::from(number).into())
    }

    #[test]
    fn each_caller_counts_once_and_for_a_while() {
        let stateless = Stateless::default();
        stateless.note_at(caller(1), 10);
        stateless.note_at(caller(1), 20);
        stateless.note_at(caller(2), 10);
        assert_eq!(stateless.recent_at(20), 2);
        assert_eq!(stateless.recent_at(315), 1, "the second called at 10 for the last time");
        stateless.sweep_at(315);
        assert_eq!(stateless.callers.len(), 1);
        assert_eq!(stateless.recent_at(400), 0);
    }

    #[test]
    fn callers_are_bounded() {
        let stateless = Stateless::default();
        for number in 0..=u32::try_from(MAX_CALLERS).unwrap() {
            stateless.note_at(caller(number), 1);
        }
        assert_eq!(stateless.recent_at(1), MAX_CALLERS);
    }
}
