//! Looks after streams whose readers stop reading.
//!
//! A call is asked for more when its client reads. One that stops reading without leaving would hold the call, and with
//! it the backend: then somebody else has to ask. To find that out costs a quick reader neither a task nor a timer; one
//! task looks at all streams.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(500);
/// A reader that was given something comes for more before it is looked so often: two seconds.
const AWAY: u8 = 5;
/// One that waits is heard of at least whenever a sign of life is sent, which is every 15 seconds.
const SILENT: u8 = 36;

/// Streams that are being read.
#[derive(Debug, Default)]
pub struct Stalls(Mutex<Open>);

/// Streams that somebody reads.
pub trait Watched: Send + Sync {
    /// Looks for a reader that stays away, and has somebody stand in for it; `false` when there is nothing to look after
    /// any more. Must not block.
    fn look(self: Arc<Self>) -> bool;
}

#[derive(Default)]
struct Open {
    streams: Vec<Weak<dyn Watched>>,
    is_looking: bool,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open")
            .field("streams", &self.streams.len())
            .finish_non_exhaustive()
    }
}

impl Stalls {
    /// Looks after these streams from now on.
    pub fn watch(self: &Arc<Self>, streams: Weak<dyn Watched>) {
        let mut open = self.open();
        open.streams.push(streams);
        if open.is_looking {
            return;
        }
        // Without a runtime nobody reads.
        if let Ok(runtime) = Handle::try_current() {
            open.is_looking = true;
            runtime.spawn(Arc::clone(self).look());
        }
    }

    async fn look(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            // Taken out, so that nobody who opens a stream waits for the looking.
            let mut streams = std::mem::take(&mut self.open().streams);
            streams.retain(|streams| streams.upgrade().is_some_and(Watched::look));
            let mut open = self.open();
            open.streams.append(&mut streams);
            if open.streams.is_empty() {
                open.streams = Vec::new();
                open.is_looking = false;
                return;
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a reader is there.
#[derive(Debug, Default)]
pub struct Presence {
    looks: u8,
    waits: bool,
}

impl Presence {
    /// The reader was there, and waits for something or was given it.
    pub fn seen(&mut self, waits: bool) {
        self.looks = 0;
        self.waits = waits;
    }

    /// Looks once more; `true` when the reader stays away.
    pub fn look(&mut self) -> bool {
        self.looks = self.looks.saturating_add(1);
        self.looks >= if self.waits { SILENT } else { AWAY }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Is looked at so many times.
    struct Counted(AtomicUsize, usize);

    impl Watched for Counted {
        fn look(self: Arc<Self>) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed) + 1 < self.1
        }
    }

    fn counted(stalls: &Arc<Stalls>, most: usize) -> Arc<Counted> {
        let counted = Arc::new(Counted(AtomicUsize::new(0), most));
        let weak: Weak<Counted> = Arc::downgrade(&counted);
        stalls.watch(weak);
        counted
    }

    #[tokio::test(start_paused = true)]
    async fn streams_are_looked_at_until_they_are_over() {
        let stalls = Arc::<Stalls>::default();
        let (few, many, gone) = (counted(&stalls, 2), counted(&stalls, 100), counted(&stalls, 100));
        drop(gone);
        tokio::time::sleep(LOOK * 10 + LOOK / 2).await;
        let looks = |of: &Counted| of.0.load(Ordering::Relaxed);
        assert_eq!((looks(&few), looks(&many)), (2, 10));
        drop(many);
        tokio::time::sleep(LOOK * 2).await;
        assert!(!stalls.open().is_looking, "the task goes on for nothing");
        let again = counted(&stalls, 100);
        tokio::time::sleep(LOOK * 3).await;
        assert!(looks(&again) >= 2);
    }

    #[test]
    fn a_reader_that_waits_is_given_more_time() {
        let mut presence = Presence::default();
        let looks = |presence: &mut Presence| 1 + (0..100).take_while(|_| !presence.look()).count();
        assert_eq!(looks(&mut presence), usize::from(AWAY));
        presence.seen(true);
        assert_eq!(looks(&mut presence), usize::from(SILENT));
        presence.seen(false);
        assert_eq!(looks(&mut presence), usize::from(AWAY));
    }
}
