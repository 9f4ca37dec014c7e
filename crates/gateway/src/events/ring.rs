//! The newest events.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use argus_upstream::{At, Ring, Run};
use tokio::sync::watch;

use super::following::Following;
use super::{Event, News, id};

/// So many events are kept at most.
const MOST: usize = 2000;
/// And so many bytes of them: more than a thousand of the largest take.
const MOST_BYTES: usize = 8 << 20;
/// A clock that was set back by less than this goes on from where it was.
const SET_BACK: Duration = Duration::from_secs(1);

/// The newest events of the gateway. See [`events`](super).
#[derive(Debug)]
pub struct Events {
    run: Run,
    kept: Mutex<Kept>,
    /// Wakes who follows.
    published: watch::Sender<()>,
    /// Those that somebody followed too slowly for.
    missed: AtomicU64,
}

#[derive(Debug)]
struct Kept {
    ring: Ring<Event>,
    /// The time of the newest.
    time: Option<SystemTime>,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            run: Run::begin(),
            kept: Mutex::new(Kept {
                ring: Ring::new(MOST, MOST_BYTES),
                time: None,
            }),
            published: watch::Sender::new(()),
            missed: AtomicU64::new(0),
        }
    }
}

impl Events {
    /// Keeps an event and tells who follows. Nobody is waited for.
    pub fn publish(&self, news: News) {
        let (news, size) = news.bounded();
        self.kept().push(news, size, self.run, SystemTime::now());
        self.published.send_replace(());
    }

    /// The newest `limit` of the events that are wanted, oldest first.
    #[must_use]
    pub fn recent(&self, limit: usize, wanted: impl Fn(&Event) -> bool) -> Vec<Arc<Event>> {
        newest(limit, self.all().iter().rev().filter(|event| wanted(event)))
    }

    /// The same of those that came after `since`: where that is the time of an event, after that event, whatever the
    /// clock did since.
    #[must_use]
    pub fn recent_since(&self, since: SystemTime, limit: usize, wanted: impl Fn(&Event) -> bool) -> Vec<Arc<Event>> {
        let all = self.all();
        let (after, since) = match all.iter().rposition(|event| event.time == since) {
            Some(at) => (&all[at + 1..], UNIX_EPOCH),
            None => (&all[..], since),
        };
        let is_wanted = |event: &&Arc<Event>| event.time > since && wanted(event);
        newest(limit, after.iter().rev().filter(is_wanted))
    }

    /// All that are kept: what is wanted of them is found out without the lock.
    fn all(&self) -> Vec<Arc<Event>> {
        self.kept().ring.iter().cloned().collect()
    }

    /// Follows the events from now on; after `last`, from the event after the one with this id on.
    #[must_use]
    pub fn follow(self: &Arc<Self>, last: Option<&str>) -> Following {
        let changed = self.published.subscribe();
        let ring = &self.kept().ring;
        let known = last.map(|id| id::number(self.run, id).filter(|number| *number <= ring.newest()));
        match known {
            None => Following::new(Arc::clone(self), changed, ring.newest() + 1, false),
            Some(Some(number)) => Following::new(Arc::clone(self), changed, number + 1, false),
            Some(None) => Following::new(Arc::clone(self), changed, ring.oldest(), true),
        }
    }

    /// How many were published.
    #[must_use]
    pub fn published(&self) -> u64 {
        self.kept().ring.newest()
    }

    /// How many were gone before one of those who follow had read them; for each of them.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Somebody missed so many.
    pub(super) fn note_missed(&self, count: u64) {
        self.missed.fetch_add(count, Ordering::Relaxed);
    }

    /// What is at a place.
    pub(super) fn at(&self, number: u64) -> At<Event> {
        self.kept().ring.at(number)
    }

    /// The id of an event that is no longer there.
    pub(super) fn id(&self, number: u64) -> String {
        id::id(self.run, number).to_string()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first `limit`, the other way round.
fn newest<'e>(limit: usize, newest_first: impl Iterator<Item = &'e Arc<Event>>) -> Vec<Arc<Event>> {
    let mut found: Vec<_> = newest_first.take(limit).cloned().collect();
    found.reverse();
    found
}

impl Kept {
    fn push(&mut self, news: News, size: usize, run: Run, now: SystemTime) {
        let time = self.next_time(now);
        self.time = Some(time);
        self.ring.push(size, |number| Event {
            id: id::id(run, number).to_string(),
            time,
            news,
            written: OnceLock::new(),
        });
    }

    /// Now, or a moment after the event before: who asks for what came after an event finds all of it.
    fn next_time(&self, now: SystemTime) -> SystemTime {
        let now = in_microseconds(now);
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
        assert!(events.kept().ring.bytes() <= MOST_BYTES);
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
    fn what_came_after_an_event_is_found_also_when_the_clock_was_set_back() {
        let events = Events::default();
        let hour = Duration::from_secs(3600);
        let began = UNIX_EPOCH + hour * 100;
        for (number, time) in [began, began + hour, began - hour, began].into_iter().enumerate() {
            events
                .kept()
                .push(told(number), 1, events.run, time + Duration::from_secs(number as u64));
        }
        let all = events.recent(10, |_| true);
        assert!(all[2].time < all[1].time, "the times are those of the clock");
        let after = |time| {
            let found = events.recent_since(time, 10, |_| true);
            messages(&found).concat()
        };
        assert_eq!(after(all[1].time), "23");
        assert_eq!(after(all[2].time), "3");
        assert_eq!(after(all[3].time), "");
        assert_eq!(after(began - hour * 2), "0123");
        assert_eq!(after(began + hour * 2), "");
        let newest = events.recent_since(all[1].time, 1, |_| true);
        assert_eq!(messages(&newest), ["3"]);
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
