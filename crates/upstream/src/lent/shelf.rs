//! The lent links that nobody uses at the moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::Borrower;
use super::feed::LentFeed;
use super::lease::Place;
use super::making::{Begun, Held, InTheMaking, Makings, Waits};
use crate::{Link, LinkError};

/// After a failed attempt its error is given to whoever asks for a new link, for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// Links that may wait: over HTTP nothing else bounds them.
const MOST: usize = 32;

/// A link that waits for a call.
#[derive(Debug)]
pub(crate) struct Free {
    pub(super) borrower: Borrower,
    pub(super) link: Arc<Link>,
    pub(super) feed: Arc<LentFeed>,
    pub(super) since: Instant,
}

/// Links that wait, the oldest first. It is locked for moments only.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    inside: Mutex<Inside>,
    refused: AtomicBool,
}

#[derive(Debug, Default)]
struct Inside {
    free: Vec<Free>,
    /// All that were ever lent and still are somewhere.
    all: Vec<Weak<Link>>,
    makings: Makings,
    failed: Option<(LinkError, Instant)>,
    /// Whether somebody looks for links that wait for too long.
    tended: bool,
    closed: bool,
}

impl Shelf {
    /// Takes a link that was lent to the like before: the one used last, so that the others may end.
    pub(super) fn take(&self, borrower: &Borrower) -> Option<Free> {
        let mut inside = self.inside();
        let live = |free: &Free| free.borrower == *borrower && free.link.ended().is_none();
        let at = inside.free.iter().rposition(live)?;
        Some(inside.free.remove(at))
    }

    /// Notes a fresh link.
    pub(super) fn lent(&self, link: &Arc<Link>) {
        let mut inside = self.inside();
        inside.all.retain(|link| link.strong_count() > 0);
        inside.all.push(Arc::downgrade(link));
    }

    /// Puts a link back. `true`: somebody has to tend the shelf from now on. And the link for which there is no room: this
    /// one when none is kept any more, else the one that has waited for longest.
    pub(super) fn put(&self, free: Free) -> (bool, Option<Free>) {
        let mut inside = self.inside();
        if inside.closed {
            return (false, Some(free));
        }
        let displaced = (inside.free.len() >= MOST).then(|| inside.free.remove(0));
        inside.free.push(free);
        inside.failed = None;
        (!std::mem::replace(&mut inside.tended, true), displaced)
    }

    /// Takes all.
    pub(super) fn take_all(&self) -> Vec<Free> {
        std::mem::take(&mut self.inside().free)
    }

    /// Takes a link that has ended, else the one that has waited for longest.
    pub(super) fn take_oldest(&self) -> Option<Free> {
        let mut inside = self.inside();
        let ended = inside.free.iter().position(|free| free.link.ended().is_some());
        (!inside.free.is_empty()).then(|| inside.free.remove(ended.unwrap_or_default()))
    }

    /// What comes of a link that is being made for the like, and that nobody waits for any more.
    pub(super) fn adopt(&self, borrower: &Borrower) -> Option<InTheMaking> {
        self.inside().makings.adopt(borrower)
    }

    /// A link begins to be made.
    pub(super) fn begin(&self, borrower: &Borrower, place: &Arc<Held>) -> (Begun, InTheMaking) {
        self.inside().makings.begin(borrower, place)
    }

    /// Gives up a link in the making that nobody waits for any more, and gives its place.
    pub(super) fn make_room(&self) -> Option<Place> {
        self.inside().makings.make_room()
    }

    /// It is made, or is not: gives who waits for it.
    pub(super) fn end(&self, number: u64) -> Option<Waits> {
        self.inside().makings.end(number)
    }

    /// Takes all that have waited for too long, or have ended.
    pub(super) fn take_idle(&self, linger: Duration) -> Vec<Free> {
        let idle = |free: &mut Free| free.since.elapsed() >= linger || free.link.ended().is_some();
        self.inside().free.extract_if(.., idle).collect()
    }

    /// How long it takes until one has waited for too long; `None` when none waits: then nobody tends the shelf.
    pub(super) fn until_next(&self, linger: Duration) -> Option<Duration> {
        let mut inside = self.inside();
        let pause = inside
            .free
            .iter()
            .map(|free| linger.saturating_sub(free.since.elapsed()))
            .min();
        inside.tended = pause.is_some();
        pause
    }

    /// The error of an attempt a moment ago.
    pub(super) fn failed(&self) -> Option<LinkError> {
        let inside = self.inside();
        let (error, since) = inside.failed.as_ref()?;
        (since.elapsed() < PAUSE).then(|| error.clone())
    }

    /// Remembers the error of an attempt.
    pub(super) fn fail(&self, error: &LinkError) {
        self.inside().failed = Some((error.clone(), Instant::now()));
    }

    /// Forgets the last failure.
    pub(crate) fn forgive(&self) {
        self.inside().failed = None;
    }

    /// Whether a call finds no room for the first time.
    pub(super) fn first_refusal(&self) -> bool {
        !self.refused.swap(true, Ordering::Relaxed)
    }

    /// Gives all links, those with a call too, and keeps none any more.
    pub(crate) fn close(&self) -> Vec<Arc<Link>> {
        let mut inside = self.inside();
        inside.closed = true;
        let all = inside.all.drain(..).filter_map(|link| link.upgrade()).collect();
        inside.free.clear();
        all
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use argus_protocol::{Era, Raw};
    use http::HeaderMap;

    use super::*;
    use crate::link::Wire;
    use crate::watched::Nobody;
    use crate::{Declared, Hello, HttpClient, http as streamable};

    const LINGER: Duration = Duration::from_secs(100);

    fn link() -> Arc<Link> {
        let url = url::Url::parse("http://127.0.0.1:9/mcp").unwrap();
        let endpoint = streamable::Endpoint::new(HttpClient::new().unwrap(), url, HeaderMap::new());
        let connection = streamable::Connection::new("b".into(), Era::Legacy, endpoint, Arc::new(Nobody));
        let hello = Hello {
            version: String::new(),
            capabilities: Raw::empty_object(),
            server_info: None,
            instructions: None,
            hint: None,
        };
        Arc::new(Link::new(
            Era::Legacy,
            true,
            hello,
            Wire::Http(connection),
            Arc::default(),
        ))
    }

    fn free(caller: u8) -> Free {
        Free {
            borrower: borrower(caller),
            link: link(),
            feed: Arc::default(),
            since: Instant::now(),
        }
    }

    fn borrower(caller: u8) -> Borrower {
        Borrower {
            caller: Arc::new([caller]),
            declared: Declared::nothing(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_link_is_lent_to_the_like_and_not_for_ever() {
        let shelf = Shelf::default();
        assert!(shelf.put(free(1)).0, "nobody tends the shelf");
        tokio::time::advance(LINGER / 2).await;
        assert!(!shelf.put(free(2)).0);
        assert!(shelf.take(&borrower(3)).is_none());
        assert_eq!(shelf.until_next(LINGER), Some(LINGER / 2));
        tokio::time::advance(LINGER / 2).await;
        let idle = shelf.take_idle(LINGER);
        assert!(idle.len() == 1 && idle[0].borrower == borrower(1));
        assert!(shelf.take(&borrower(1)).is_none());
        assert!(shelf.take(&borrower(2)).is_some());
        assert_eq!(shelf.until_next(LINGER), None);
        assert!(shelf.put(free(2)).0, "nobody tends the shelf any more");
    }

    #[tokio::test]
    async fn a_link_that_has_ended_is_not_lent() {
        let shelf = Shelf::default();
        let ended = free(1);
        ended.link.close().await;
        assert!(shelf.put(ended).1.is_none());
        assert!(shelf.take(&borrower(1)).is_none());
        assert_eq!(shelf.take_idle(LINGER).len(), 1);
    }

    #[tokio::test]
    async fn all_are_ended_at_the_end_and_none_is_kept_after_it() {
        let shelf = Shelf::default();
        let (kept, away) = (free(1), link());
        shelf.lent(&kept.link);
        shelf.lent(&away);
        assert!(shelf.put(kept).1.is_none());
        assert_eq!(shelf.close().len(), 2);
        assert!(shelf.put(free(1)).1.is_some());
    }

    #[tokio::test]
    async fn no_more_than_so_many_wait() {
        let shelf = Shelf::default();
        let first = free(1);
        let oldest = Arc::clone(&first.link);
        assert!(shelf.put(first).1.is_none());
        assert!((1..MOST).all(|_| shelf.put(free(2)).1.is_none()));
        let displaced = shelf.put(free(2)).1.unwrap();
        assert!(Arc::ptr_eq(&displaced.link, &oldest));
        assert_eq!(shelf.take_all().len(), MOST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_remembered_for_a_moment() {
        let shelf = Shelf::default();
        shelf.fail(&LinkError::Closed("x".to_owned()));
        assert!(shelf.failed().is_some());
        tokio::time::advance(PAUSE).await;
        assert!(shelf.failed().is_none());
    }
}
