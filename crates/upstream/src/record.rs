//! What a backend did since the gateway started, whatever became of its connections meanwhile.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::Upstream;
use crate::latency::{Latencies, Latency};
use crate::tally::{CallEnd, Tally};

/// Goes from an upstream to the one that takes its place.
#[derive(Debug)]
pub struct Record {
    latency: Latency,
    /// What metrics are made of.
    pub(crate) tally: Arc<Tally>,
    returns: Mutex<Returns>,
}

/// How often a backend became ready again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Returns {
    /// How often it did.
    pub count: u64,
    /// When it did so last.
    pub last: Option<SystemTime>,
    /// Whether it was ready before.
    was_ready: bool,
}

/// The calls of clients that ended; those that clients gave up, or that were refused, are not among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ended {
    /// With or without an answer.
    pub all: u64,
    /// Without an answer.
    pub failed: u64,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            latency: Latency::new(),
            tally: Arc::default(),
            returns: Mutex::default(),
        }
    }
}

impl Record {
    /// A call that ended now took so long.
    pub(crate) fn took(&self, now: Instant, took: Duration) {
        self.latency.note(now, took);
    }

    /// The backend is ready; says how often it became ready again.
    pub(crate) fn ready(&self) -> u64 {
        let mut returns = self.returns.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut returns.was_ready, true) {
            returns.count += 1;
            returns.last = Some(SystemTime::now());
        }
        returns.count
    }

    /// The calls that ended.
    #[must_use]
    pub fn ended(&self) -> Ended {
        self.tally
            .calls()
            .fold(Ended::default(), |so_far, (_, end, calls)| match end {
                CallEnd::Ok | CallEnd::ToolError | CallEnd::Error => Ended {
                    all: so_far.all + calls.count,
                    ..so_far
                },
                CallEnd::Timeout | CallEnd::Unavailable => Ended {
                    all: so_far.all + calls.count,
                    failed: so_far.failed + calls.count,
                },
                CallEnd::Cancelled | CallEnd::Refused => so_far,
            })
    }

    /// How long calls took lately.
    #[must_use]
    pub fn latencies(&self) -> Latencies {
        self.latency.read()
    }

    /// What is counted for metrics.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// How often the backend became ready again.
    #[must_use]
    pub fn returns(&self) -> Returns {
        *self.returns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upstream {
    /// What goes to the upstream that takes the place of this one.
    #[must_use]
    pub fn record(&self) -> &Arc<Record> {
        &self.record
    }

    /// How many calls are with it now, and how many wait for their turn.
    #[must_use]
    pub fn calls_now(&self) -> (usize, usize) {
        self.turns.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CallMethod;

    #[test]
    fn calls_are_counted_by_what_became_of_them() {
        let record = Record::default();
        for end in CallEnd::ALL {
            record.tally.ended(CallMethod::ToolsCall, end, Duration::from_millis(5));
        }
        assert_eq!(record.ended(), Ended { all: 5, failed: 2 });
    }

    #[test]
    fn the_first_time_is_no_return() {
        let record = Record::default();
        assert_eq!([record.ready(), record.ready(), record.ready()], [0, 1, 2]);
        assert!(record.returns().last.is_some() && Record::default().returns().last.is_none());
    }
}
