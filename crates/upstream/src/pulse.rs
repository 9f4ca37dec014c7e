//! A timer that ends before the timers of calls.
//!
//! Tokio wakes the thread that waits for events whenever a timer is set that ends before all others: a system call, and
//! often a change of threads. A call sets timers that hardly ever end, after a second at the earliest; where all else is
//! idle, each would be the first to end. While calls are made, the pulse is the first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Shorter than any timer of a call.
const BEAT: Duration = Duration::from_millis(500);

/// Beats while calls are made.
#[derive(Debug, Default)]
pub(crate) struct Pulse {
    called: AtomicBool,
    again: Notify,
}

impl Pulse {
    /// A call is made.
    pub(crate) fn called(&self) {
        if !self.called.load(Ordering::Relaxed) && !self.called.swap(true, Ordering::AcqRel) {
            self.again.notify_one();
        }
    }

    /// Beats for ever.
    pub(crate) async fn run(&self) {
        loop {
            self.beat().await;
        }
    }

    /// Waits for a call, and then for one beat.
    async fn beat(&self) {
        self.again.notified().await;
        self.called.store(false, Ordering::Release);
        tokio::time::sleep(BEAT).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_beats_as_long_as_calls_are_made() {
        let pulse = Pulse::default();
        let began = Instant::now();
        let calling = async {
            for _ in 0..25 {
                pulse.called();
                tokio::time::sleep(BEAT / 10).await;
            }
        };
        let beating = async {
            let mut beats = 0;
            while timeout(BEAT * 2, pulse.beat()).await.is_ok() {
                beats += 1;
            }
            (beats, began.elapsed())
        };
        let ((), (beats, took)) = tokio::join!(calling, beating);
        assert_eq!(beats, 4, "the last call came in the third");
        assert_eq!(took, BEAT * 6, "none follows when calls are no longer made");
    }
}
