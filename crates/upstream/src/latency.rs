//! How long the calls to a backend took lately. Writing one down takes no lock.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// So long is written into one table; the one before is looked at, too.
const PERIOD: Duration = Duration::from_secs(300);
/// Each power of two microseconds has so many places, as a power of two itself.
const FINENESS: u32 = 3;
const PLACES: usize = 1 << FINENESS;
/// Places for all times up to 2^38 microseconds, which is three days.
const ALL_PLACES: usize = (38 - FINENESS as usize + 1) * PLACES;

/// The times of the calls of the last five to ten minutes.
#[derive(Debug)]
pub(crate) struct Latency {
    began: Instant,
    tables: [Table; 2],
}

/// The calls of one period.
#[derive(Debug)]
struct Table {
    /// Which one, and one more; 0: none yet.
    period: AtomicU64,
    /// The longest time, in microseconds.
    longest: AtomicU64,
    places: [AtomicU32; ALL_PLACES],
}

/// How long calls took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Latencies {
    /// The time that is looked at.
    pub window: Duration,
    /// How many calls ended in it.
    pub calls: u64,
    /// How long half of them took at most, 90 %, 99 % and all; `None` without calls.
    pub spread: Option<Spread>,
}

/// How long so many of some calls took at most. All but the longest are right to about 6 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Half of them.
    pub p50: Duration,
    /// 90 %.
    pub p90: Duration,
    /// 99 %.
    pub p99: Duration,
    /// All.
    pub max: Duration,
}

impl Latency {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            tables: [Table::new(), Table::new()],
        }
    }

    /// A call that ended now took so long.
    pub(crate) fn note(&self, now: Instant, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let period = self.period(now);
        let table = &self.tables[usize::from(period % 2 == 1)];
        table.is_for(period);
        if let Some(place) = table.places.get(place_of(micros)) {
            place.fetch_add(1, Ordering::Relaxed);
        }
        if table.longest.load(Ordering::Relaxed) < micros {
            table.longest.fetch_max(micros, Ordering::Relaxed);
        }
    }

    /// What was noted lately.
    pub(crate) fn read(&self) -> Latencies {
        let now = Instant::now();
        let period = self.period(now);
        let lately = |table: &&Table| [period, period - 1].contains(&table.period.load(Ordering::Acquire));
        let tables: Vec<&Table> = self.tables.iter().filter(lately).collect();
        let count = |place: usize| -> u64 {
            let counts = tables.iter().filter_map(|table| table.places.get(place));
            counts.map(|count| u64::from(count.load(Ordering::Relaxed))).sum()
        };
        let counts: Vec<u64> = (0..ALL_PLACES).map(count).collect();
        let calls = counts.iter().sum();
        let longest = tables.iter().map(|table| table.longest.load(Ordering::Relaxed)).max();
        let most = |share: f64| {
            let wanted = (calls as f64 * share).ceil() as u64;
            let mut so_far = 0;
            let place = counts.iter().position(|count| {
                so_far += count;
                so_far >= wanted
            });
            let middle = middle_of(place.unwrap_or_default()).min(longest.unwrap_or_default());
            Duration::from_micros(middle)
        };
        let since = now.duration_since(self.began);
        let before = u32::try_from(period.saturating_sub(2)).unwrap_or(u32::MAX);
        Latencies {
            window: since.saturating_sub(PERIOD.saturating_mul(before)),
            calls,
            spread: (calls > 0).then(|| Spread {
                p50: most(0.5),
                p90: most(0.9),
                p99: most(0.99),
                max: Duration::from_micros(longest.unwrap_or_default()),
            }),
        }
    }

    /// The number of the period of a moment; the first is 1.
    fn period(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_secs() / PERIOD.as_secs() + 1
    }
}

impl Table {
    fn new() -> Self {
        Self {
            period: AtomicU64::new(0),
            longest: AtomicU64::new(0),
            places: [const { AtomicU32::new(0) }; ALL_PLACES],
        }
    }

    /// Whoever comes first in a period empties the table. (One who writes meanwhile may be lost: this is a statistic.)
    fn is_for(&self, period: u64) {
        let holds = self.period.load(Ordering::Acquire);
        if holds >= period {
            return;
        }
        let taken = self
            .period
            .compare_exchange(holds, period, Ordering::AcqRel, Ordering::Acquire);
        if taken.is_ok() && holds > 0 {
            self.longest.store(0, Ordering::Relaxed);
            self.places.iter().for_each(|place| place.store(0, Ordering::Relaxed));
        }
    }
}

/// The place of a time: the power of two that it reaches, in eight steps.
fn place_of(micros: u64) -> usize {
    if micros < PLACES as u64 {
        return usize::try_from(micros).unwrap_or_default();
    }
    let power = micros.ilog2();
    let step = usize::try_from(micros >> (power - FINENESS)).unwrap_or_default() - PLACES;
    let place = (power - FINENESS + 1) as usize * PLACES + step;
    place.min(ALL_PLACES - 1)
}

/// The middle of the times of a place.
fn middle_of(place: usize) -> u64 {
    let (power, step) = (place / PLACES, (place % PLACES) as u64);
    match power.checked_sub(1) {
        None => step,
        Some(shift) => {
            let least = (step + PLACES as u64) << shift;
            least + ((1 << shift) >> 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: Duration, wanted_ms: u64) {
        let (found, wanted) = (found.as_secs_f64() * 1000.0, wanted_ms as f64);
        assert!((found - wanted).abs() <= wanted * 0.07, "{found} is not about {wanted}");
    }

    #[test]
    fn every_time_has_a_place_that_is_near() {
        let mut last = 0;
        for exponent in 0..37 {
            for add in [0, 1, 3] {
                let micros = (1_u64 << exponent) + add * (1_u64 << exponent) / 4;
                let place = place_of(micros);
                assert!(place >= last && place < ALL_PLACES, "{micros}");
                last = place;
                let off = middle_of(place).abs_diff(micros) as f64;
                assert!(off <= micros as f64 * 0.0625, "{micros}: {}", middle_of(place));
            }
        }
        assert_eq!([place_of(0), place_of(u64::MAX)], [0, ALL_PLACES - 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn percentiles_are_those_of_the_calls() {
        let latency = Latency::new();
        assert_eq!(latency.read(), Latencies::default());
        for ms in 1..=100 {
            latency.note(Instant::now(), Duration::from_millis(ms));
        }
        let read = latency.read();
        let spread = read.spread.unwrap();
        assert_eq!((read.calls, spread.max), (100, Duration::from_millis(100)));
        for (found, wanted) in [(spread.p50, 50), (spread.p90, 90), (spread.p99, 99)] {
            near(found, wanted);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn old_calls_are_forgotten() {
        let latency = Latency::new();
        let note = |ms| latency.note(Instant::now(), Duration::from_millis(ms));
        note(900);
        tokio::time::advance(PERIOD).await;
        note(10);
        let both = latency.read();
        assert_eq!((both.calls, both.window), (2, PERIOD));
        tokio::time::advance(PERIOD).await;
        let one = latency.read();
        assert_eq!((one.calls, one.window), (1, PERIOD));
        near(one.spread.unwrap().max, 10);
        note(20);
        assert_eq!(latency.read().calls, 2, "the table of the first period is empty again");
        tokio::time::advance(PERIOD * 2).await;
        assert_eq!(latency.read().spread, None);
    }
}
