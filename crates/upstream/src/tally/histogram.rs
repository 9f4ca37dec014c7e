//! Durations, counted by how long they are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const MS: u64 = 1_000_000;
/// The upper bounds of the buckets in nanoseconds: from calls on this machine to work of minutes.
const BOUNDS: [u64; 17] = [
    MS / 2,
    MS,
    5 * MS / 2,
    5 * MS,
    10 * MS,
    25 * MS,
    50 * MS,
    100 * MS,
    250 * MS,
    500 * MS,
    1_000 * MS,
    2_500 * MS,
    5_000 * MS,
    10_000 * MS,
    30_000 * MS,
    60_000 * MS,
    300_000 * MS,
];

/// Durations by bucket. Noting one down takes no lock: two additions.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// The last one has no bound.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// All together, in nanoseconds.
    sum: AtomicU64,
}

/// What a histogram says at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Durations {
    /// The upper bound of each bucket in seconds, and how many are in it and in none before; the last bound is infinite.
    pub buckets: Vec<(f64, u64)>,
    /// How many there are.
    pub count: u64,
    /// How long they are together, in seconds.
    pub sum: f64,
}

impl Histogram {
    pub(crate) fn note(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let at = BOUNDS.partition_point(|bound| *bound < nanos);
        if let Some(bucket) = self.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Durations {
        let seconds = |nanos: u64| Duration::from_nanos(nanos).as_secs_f64();
        let bounds = BOUNDS.into_iter().map(seconds).chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        Durations {
            count: buckets.iter().map(|(_, count)| count).sum(),
            buckets,
            sum: seconds(self.sum.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for micros in [0, 500, 501, 1_000, 299_000_000, 300_000_001] {
            histogram.note(Duration::from_micros(micros));
        }
        let read = histogram.read();
        let filled: Vec<(f64, u64)> = read.buckets.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.0005, 2), (0.001, 2), (300.0, 1), (f64::INFINITY, 1)]);
        assert_eq!(read.count, 6);
        assert!((read.sum - 599.002_002).abs() < 1e-6, "{}", read.sum);
    }

    #[test]
    fn the_bounds_grow() {
        assert!(BOUNDS.is_sorted_by(|one, next| one < next));
    }
}
