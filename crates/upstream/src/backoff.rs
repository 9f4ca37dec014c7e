//! How long to wait before a backend is tried again.

use std::time::Duration;

use argus_config::Health;
use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);
/// A backend that was ready this lately is likely to come back: it is not waited for long.
const LATELY: Duration = Duration::from_secs(120);
const LONGEST_LATELY: Duration = Duration::from_secs(5);
/// A connection that held this long starts the pauses anew.
const STABLE: Duration = Duration::from_secs(30);

/// Pauses that grow from 250 ms to 60 s, without end; for two minutes after the backend was last ready at most 5 s, and
/// no longer than the time between two questions whether it is there.
#[derive(Debug)]
pub(crate) struct Backoff {
    longest_lately: Duration,
    next: Duration,
    ready_since: Option<Instant>,
    last_ready: Option<Instant>,
}

impl Backoff {
    pub(crate) fn new(health: Health) -> Self {
        Self {
            longest_lately: match health.enabled {
                true => health.interval.clamp(FIRST, LONGEST_LATELY),
                false => LONGEST_LATELY,
            },
            next: FIRST,
            ready_since: None,
            last_ready: None,
        }
    }

    /// The backend is ready.
    pub(crate) fn ready(&mut self) {
        self.ready_since = Some(Instant::now());
    }

    /// The backend is no longer ready, or could not be reached: the pause before the next attempt, with jitter.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.step();
        let random = getrandom::u32().unwrap_or(u32::MAX);
        // Between half and the whole, so that many backends do not come back in step.
        pause / 2 + (pause / 2).mul_f64(f64::from(random) / f64::from(u32::MAX))
    }

    fn step(&mut self) -> Duration {
        let now = Instant::now();
        if let Some(since) = self.ready_since.take() {
            self.last_ready = Some(now);
            if now - since >= STABLE {
                self.next = FIRST;
            }
        }
        let lately = self.last_ready.is_some_and(|last| now - last < LATELY);
        let longest = if lately { self.longest_lately } else { LONGEST };
        let pause = self.next.min(longest);
        self.next = (pause * 2).min(LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pauses(backoff: &mut Backoff, count: usize) -> Vec<u128> {
        let mut seen = Vec::new();
        for _ in 0..count {
            let pause = backoff.step();
            seen.push(pause.as_millis());
            tokio::time::advance(pause).await;
        }
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn a_backend_that_was_never_there_is_waited_for_ever_longer() {
        let mut backoff = Backoff::new(Health::default());
        let seen = pauses(&mut backoff, 10).await;
        assert_eq!(seen, [250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_backend_that_was_there_lately_is_tried_every_five_seconds() {
        let mut backoff = Backoff::new(Health::default());
        backoff.ready();
        let seen = pauses(&mut backoff, 40).await;
        let lately: Vec<_> = seen.iter().take_while(|pause| **pause <= 5000).collect();
        assert_eq!(&seen[..6], [250, 500, 1000, 2000, 4000, 5000]);
        assert!((28..=29).contains(&lately.len()), "{seen:?}");
        assert_eq!(seen.last(), Some(&60000));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_tried_no_less_often_than_it_would_be_asked() {
        let often = Health {
            interval: Duration::from_millis(500),
            ..Health::default()
        };
        let mut backoff = Backoff::new(often);
        backoff.ready();
        assert_eq!(pauses(&mut backoff, 4).await, [250, 500, 500, 500]);
        let mut backoff = Backoff::new(Health {
            enabled: false,
            ..often
        });
        backoff.ready();
        assert_eq!(pauses(&mut backoff, 4).await, [250, 500, 1000, 2000]);
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_connection_that_held_starts_the_pauses_anew() {
        let mut backoff = Backoff::new(Health::default());
        pauses(&mut backoff, 3).await;
        backoff.ready();
        tokio::time::advance(STABLE - Duration::from_millis(1)).await;
        assert_eq!(backoff.step(), Duration::from_secs(2));
        backoff.ready();
        tokio::time::advance(STABLE).await;
        assert_eq!(backoff.step(), FIRST);
    }

    #[test]
    fn jitter_takes_at_most_half() {
        let mut backoff = Backoff::new(Health::default());
        for _ in 0..3 {
            let pause = backoff.pause();
            assert!(pause <= backoff.next && pause >= backoff.next / 4, "{pause:?}");
        }
    }
}
