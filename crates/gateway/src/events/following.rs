//! Following the events at one's own pace.

use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use argus_upstream::At;
use tokio::sync::watch;

use super::{Event, Events, News, Stage};

/// One who follows. It keeps no events: its place in the ring is all that it has, and what it misses is counted.
#[derive(Debug)]
pub struct Following {
    events: Arc<Events>,
    published: watch::Receiver<()>,
    /// The number of the event that is next.
    next: u64,
    /// It named an event that this run of the gateway does not know.
    lost: bool,
}

impl Following {
    pub(super) fn new(events: Arc<Events>, published: watch::Receiver<()>, next: u64, lost: bool) -> Self {
        Self {
            events,
            published,
            next,
            lost,
        }
    }

    /// The next event, once it is there. Where some are not there any more, an event says how many. Dropping this loses
    /// nothing.
    pub async fn next(&mut self) -> Arc<Event> {
        loop {
            self.published.mark_unchanged();
            if let Some(event) = self.ready() {
                return event;
            }
            // The sender is with the events.
            let _ = self.published.changed().await;
        }
    }

    /// The next event, if it is there already.
    pub fn ready(&mut self) -> Option<Arc<Event>> {
        if std::mem::take(&mut self.lost) {
            let message = "the event that was named last is not known to this run of the gateway; \
                           what is kept of it follows";
            return Some(self.missed(News::warning(Stage::EventsMissed, message).with("missed", ())));
        }
        match self.events.at(self.next) {
            At::Kept(event) => {
                self.next += 1;
                Some(event)
            }
            At::Missed(count) => {
                self.next += count;
                self.events.note_missed(count);
                let message = format!("{count} events came and are not kept any more");
                Some(self.missed(News::warning(Stage::EventsMissed, message).with("missed", count)))
            }
            At::Later => None,
        }
    }

    /// Stands for the events before the next one: it has the id of the last of them, so that who resumes from it goes
    /// on with the next one.
    fn missed(&self, news: News) -> Arc<Event> {
        Arc::new(Event {
            id: self.events.id(self.next - 1),
            time: SystemTime::now(),
            news,
            written: OnceLock::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn publish(events: &Events, numbers: std::ops::Range<usize>) {
        for number in numbers {
            events.publish(News::info(Stage::Status, number.to_string()));
        }
    }

    async fn next(following: &mut Following) -> (String, String) {
        let event = tokio::time::timeout(Duration::from_secs(1), following.next()).await;
        let event = event.expect("no event came");
        (event.id.clone(), event.news.message.clone())
    }

    #[tokio::test(start_paused = true)]
    async fn who_follows_hears_what_comes_and_not_what_was() {
        let events = Arc::new(Events::default());
        publish(&events, 0..3);
        let mut following = events.follow(None);
        assert!(following.ready().is_none());
        let publisher = Arc::clone(&events);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            publish(&publisher, 3..5);
        });
        assert_eq!(next(&mut following).await.1, "3");
        assert_eq!(next(&mut following).await.1, "4");
        assert!(following.ready().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_back_goes_on_where_it_was() {
        let events = Arc::new(Events::default());
        let mut before = events.follow(None);
        publish(&events, 0..5);
        next(&mut before).await;
        let (second, _) = next(&mut before).await;
        let mut after = events.follow(Some(&second));
        assert_eq!(next(&mut after).await.1, "2");
        let newest = events.recent(1, |_| true)[0].id.clone();
        assert!(events.follow(Some(&newest)).ready().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_slow_hears_how_many_it_missed() {
        let events = Arc::new(Events::default());
        let mut following = events.follow(None);
        publish(&events, 0..2500);
        let (id, message) = next(&mut following).await;
        assert_eq!(message, "500 events came and are not kept any more");
        assert_eq!(next(&mut following).await.1, "500");
        // Who resumes from the event that said so has missed nothing more.
        assert_eq!(next(&mut events.follow(Some(&id))).await.1, "500");
    }

    #[tokio::test(start_paused = true)]
    async fn an_unknown_place_is_said_to_be_one_and_all_follows() {
        let (events, other) = (Arc::new(Events::default()), Events::default());
        publish(&other, 0..1);
        let foreign = other.recent(1, |_| true)[0].id.clone();
        let ahead = events.id(7);
        for unknown in ["", "x", &foreign, &ahead] {
            let mut following = events.follow(Some(unknown));
            let event = following.ready().unwrap();
            assert_eq!(
                (event.news.stage, &event.news.details["missed"]),
                (Stage::EventsMissed, &().into())
            );
            assert!(following.ready().is_none());
        }
        publish(&events, 0..2);
        let mut following = events.follow(Some(&foreign));
        let (id, _) = next(&mut following).await;
        assert_eq!(next(&mut following).await.1, "0");
        assert_eq!(next(&mut events.follow(Some(&id))).await.1, "0");
    }
}
