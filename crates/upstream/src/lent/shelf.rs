//! The lent links that nobody uses at the moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::Borrower;
use super::feed::LentFeed;
use crate::{Link, LinkError};

/// After a failed attempt its error is given to whoever asks for a new link, for so long.
const PAUSE: Duration = Duration::from_secs(1);

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

    /// Puts a link back; `Ok(true)`: somebody has to tend the shelf from now on.
    ///
    /// # Errors
    /// The link, when none is kept any more.
    pub(super) fn put(&self, free: Free) -> Result<bool, Free> {
        let mut inside = self.inside();
        if inside.closed {
            return Err(free);
        }
        inside.free.push(free);
        inside.failed = None;
        Ok(!std::mem::replace(&mut inside.tended, true))
    }

    /// Takes the link that has waited for longest.
    pub(super) fn take_oldest(&self) -> Option<Free> {
        let mut inside = self.inside();
        (!inside.free.is_empty()).then(|| inside.free.remove(0))
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
