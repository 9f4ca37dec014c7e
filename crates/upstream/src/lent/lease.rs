//! A link while a call has it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use argus_protocol::method;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::feed::{Heard, LentFeed};
use super::shelf::Free;
use super::{Borrower, FAREWELL};
use crate::{Exchange, Link, Outgoing, Upstream};

/// The link of one call.
#[derive(Debug)]
pub enum CallLink {
    /// Other calls use it too.
    Shared(Arc<Link>),
    /// It is this call's alone.
    Lent(Box<Lease>),
}

impl CallLink {
    /// Sends the call. `limit` bounds the backend's silence.
    #[must_use]
    pub fn call(&mut self, request: Outgoing, limit: Option<Duration>) -> Exchange {
        match self {
            Self::Shared(link) => link.call(request, limit),
            Self::Lent(lease) => lease.call(request, limit),
        }
    }

    /// What has to be kept until the call is over.
    #[must_use]
    pub fn into_lease(self) -> Option<Box<Lease>> {
        match self {
            Self::Shared(_) => None,
            Self::Lent(lease) => Some(lease),
        }
    }
}

impl Deref for CallLink {
    type Target = Link;

    fn deref(&self) -> &Link {
        match self {
            Self::Shared(link) => link,
            Self::Lent(lease) => lease.link(),
        }
    }
}

/// A link that one call has for itself. Dropped, it goes back; where the call did not end in good order, the link ends,
/// because what the backend still says of that call would be taken for the next one's.
pub struct Lease {
    borrower: Borrower,
    link: Arc<Link>,
    feed: Arc<LentFeed>,
    heard: Option<Heard>,
    place: Place,
    /// Whether the backend has nothing to do on it.
    settled: bool,
}

/// A place among those that `max_processes` limits.
pub(super) struct Place(Option<Arc<Upstream>>);

impl Place {
    /// A place that was taken.
    pub(super) fn taken(upstream: &Arc<Upstream>) -> Self {
        Self(Some(Arc::clone(upstream)))
    }

    /// None among those that are counted.
    #[cfg(test)]
    pub(super) fn of_nobody() -> Self {
        Self(None)
    }

    /// The place is somebody else's business from now on.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(upstream) = &self.0 {
            upstream.room.give_back();
        }
    }
}

impl Lease {
    /// Lends a fresh link.
    pub(super) fn first(borrower: Borrower, link: Arc<Link>, feed: Arc<LentFeed>, heard: Heard, place: Place) -> Self {
        Self {
            borrower,
            link,
            feed,
            heard: Some(heard),
            place,
            settled: true,
        }
    }

    /// Lends a link that was lent before.
    pub(super) fn again(upstream: &Arc<Upstream>, free: Free) -> Self {
        let heard = free.feed.next_call();
        Self::first(free.borrower, free.link, free.feed, heard, Place::taken(upstream))
    }

    pub(super) fn borrower(&self) -> &Borrower {
        &self.borrower
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// Sends the call.
    fn call(&mut self, request: Outgoing, limit: Option<Duration>) -> Exchange {
        self.settled = false;
        let exchange = self.link.call(request, limit);
        match self.heard.take() {
            Some(heard) => exchange.beside(heard),
            None => exchange,
        }
    }

    /// The backend has answered the call.
    pub fn settle(&mut self) {
        self.settled = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.feed.end_call();
        let Some(upstream) = self.place.0.take() else { return };
        let place = Place(Some(Arc::clone(&upstream)));
        if !self.settled || self.link.ended().is_some() {
            return upstream.part_with(Arc::clone(&self.link), place);
        }
        let free = Free {
            borrower: self.borrower.clone(),
            link: Arc::clone(&self.link),
            feed: Arc::clone(&self.feed),
            since: Instant::now(),
        };
        let (first, displaced) = upstream.shelf.put(free);
        place.keep();
        if first && Handle::try_current().is_ok() {
            upstream.tasks.spawn(Arc::clone(&upstream).tidy_shelf());
        }
        if let Some(displaced) = displaced {
            upstream.part_with(displaced.link, Place::taken(&upstream));
        }
    }
}

impl Upstream {
    /// Ends all links that wait: the backend has lost the session of one, and most likely those of the others.
    pub fn distrust_lent(self: &Arc<Self>) {
        for free in self.shelf.take_all() {
            self.part_with(free.link, Place::taken(self));
        }
    }

    /// Ends a link. The backend first hears all that was said to it: it answers a ping after that. The place is free when
    /// nothing is left of the link; that may be at once, for the next who wants one.
    fn part_with(&self, link: Arc<Link>, place: Place) {
        let place = (!link.is_gone()).then_some(place);
        // Without a runtime the link ends by itself.
        if Handle::try_current().is_err() {
            return;
        }
        let parting = self.partings.track_future(async move {
            if link.ended().is_none() {
                let _ = link.ask(method::PING, None, FAREWELL).await;
            }
            link.close().await;
            drop(place);
        });
        self.tasks.spawn(parting);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}
