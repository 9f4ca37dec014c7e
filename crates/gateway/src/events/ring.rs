//! The newest events.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::following::Following;
use super::id::Run;
use super::{Event, News};

/// So many events are kept at most.
const MOST: usize = 2000;
/// And so many bytes of them: more than a thousand of the largest take.
const MOST_BYTES: usize = 8 << 20;
/// A clock that was set back by less than this goes on from where it was.
const SET_BACK: Duration = Duration::from_secs(1);

/// The newest events of the gateway. See the module.
#[derive(Debug)]
pub struct Events {
    run: Run,
    ring: Mutex<Ring>,
    /// Wakes who follows.
    published: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Ring {
    /// With their sizes.
    events: VecDeque<(Arc<Event>, usize)>,
    bytes: usize,
    /// The number of the newest; they count from 1.
    newest: u64,
    /// Its time.
    time: Option<SystemTime>,
}

/// What is next for who follows.
#[derive(Debug)]
pub(super) enum Next {
    Event(Arc<Event>),
    /// So many are not there any more.
    Missed(u64),
    /// It was not published yet.
    Later,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            run: Run::begin(),
            ring: Mutex::default(),
            published: watch::Sender::new(()),
        }
    }
}

impl Events {
    /// Keeps an event and tells who follows. Nobody is waited for.
    pub fn publish(&self, news: News) {
        let (news, size) = news.bounded();
        self.ring().push(news, size, self.run);
        self.published.send_replace(());
    }

    /// The newest `limit` of the events that are wanted, oldest first.
    #[must_use]
    pub fn recent(&self, limit: usize, wanted: impl Fn(&Event) -> bool) -> Vec<Arc<Event>> {
        // What is wanted is found out without the lock.
        let all: Vec<Arc<Event>> = self.ring().events.iter().map(|(event, _)| Arc::clone(event)).collect();
        let mut found: Vec<_> = all
            .into_iter()
            .rev()
            .filter(|event| wanted(event))
            .take(limit)
            .collect();
        found.reverse();
        found
    }

    /// Follows the events from now on; after `last`, from the event after the one with this id on.
    #[must_use]
    pub fn follow(self: &Arc<Self>, last: Option<&str>) -> Following {
        let changed = self.published.subscribe();
        let ring = self.ring();
        let known = last.map(|id| self.run.number(id).filter(|number| *number <= ring.newest));
        match known {
            None => Following::new(Arc::clone(self), changed, ring.newest + 1, false),
            Some(Some(number)) => Following::new(Arc::clone(self), changed, number + 1, false),
            Some(None) => Following::new(Arc::clone(self), changed, ring.oldest(), true),
        }
    }

    /// What is at a place.
    pub(super) fn at(&self, number: u64) -> Next {
        let ring = self.ring();
        let oldest = ring.oldest();
        match number.checked_sub(oldest) {
            None => Next::Missed(oldest - number),
            Some(at) => {
                let at = usize::try_from(at).unwrap_or(usize::MAX);
                let event = ring.events.get(at).map(|(event, _)| Arc::clone(event));
                event.map_or(Next::Later, Next::Event)
            }
        }
    }

    /// The id of an event that is no longer there.
    pub(super) fn id(&self, number: u64) -> String {
        self.run.id(number).to_string()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// The number of the oldest event; of the next one when there is none.
    fn oldest(&self) -> u64 {
        self.newest + 1 - self.events.len() as u64
    }

    fn push(&mut self, news: News, size: usize, run: Run) {
        self.newest += 1;
        let time = self.next_time();
        let event = Event {
            id: run.id(self.newest).to_string(),
            time,
            news,
            written: OnceLock::new(),
        };
        self.time = Some(time);
        self.bytes += size;
        self.events.push_back((Arc::new(event), size));
        while self.events.len() > MOST || self.bytes > MOST_BYTES {
            let Some((_, size)) = self.events.pop_front() else {
                return;
            };
            self.bytes -= size;
        }
    }

    /// Now, or a moment after the event before: who asks for what came after an event finds all of it.
    fn next_time(&self) -> SystemTime {
        let now = in_microseconds(SystemTime::now());
        match self.time {
            Some(before) if now < before + MICROSECOND && now + SET_BACK > before => before + MICROSECOND,
            _ => now,
        }
    }
}

const MICROSECOND: Duration = Duration::from_micros(1);

/// The time as it is written: what is finer is left out.
fn in_microseconds(time: SystemTime) -> SystemTime {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let finer = Duration::from_nanos(u64::from(since_1970.subsec_nanos() % 1000));
    UNIX_EPOCH + (since_1970 - finer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Severity, Stage};

    fn told(text: impl ToString) -> News {
        News::info(Stage::Status, text.to_string())
    }

    fn messages(events: &[Arc<Event>]) -> Vec<&str> {
        events.iter().map(|event| &*event.news.message).collect()
    }

    #[test]
    fn the_newest_are_kept_within_bounds() {
        let events = Events::default();
        for number in 0..MOST + 10 {
            events.publish(told(number));
        }
        let all = events.recent(usize::MAX, |_| true);
        assert_eq!((all.len(), &*all[0].news.message), (MOST, "10"));
        for _ in 0..MOST {
            events.publish(told("x".repeat(990)).with("large", "x".repeat(5900)));
        }
        let all = events.recent(usize::MAX, |_| true);
        assert!((1000..MOST).contains(&all.len()), "{}", all.len());
        assert!(events.ring().bytes <= MOST_BYTES);
    }

    #[test]
    fn the_newest_of_the_wanted_oldest_first() {
        let events = Events::default();
        for number in 0..10 {
            let severity = if number % 2 == 0 {
                Severity::Info
            } else {
                Severity::Error
            };
            events.publish(News::new(Stage::Status, severity, number.to_string()));
        }
        let odd = events.recent(3, |event| event.news.severity == Severity::Error);
        assert_eq!(messages(&odd), ["5", "7", "9"]);
        let after = events.recent(10, |event| event.time > odd[1].time);
        assert_eq!(messages(&after), ["8", "9"]);
    }

    #[test]
    fn times_and_ids_differ_and_are_in_order() {
        let events = Events::default();
        for number in 0..1000 {
            events.publish(told(number));
        }
        let all = events.recent(usize::MAX, |_| true);
        assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(all.windows(2).all(|pair| pair[0].time + MICROSECOND <= pair[1].time));
    }
}
