//! Legacy links that modern calls borrow: each has one call at a time, so that what the backend asks on it is that
//! call's.

mod feed;
mod lease;
mod making;
mod shelf;

use std::sync::Arc;
use std::time::Duration;

use argus_config::Sharing;
use argus_protocol::method;

use crate::{Declared, LinkError, Upstream};
pub use lease::{CallLink, Lease};
pub(crate) use shelf::Shelf;

/// How long a link waits for the next call that can use it.
const LINGER: Duration = Duration::from_secs(120);
/// How long a backend may take to hear that a call on a link was cancelled, before the link ends.
const FAREWELL: Duration = Duration::from_secs(1);

/// Who borrows a link. A link is lent again only to the like: to the same caller, of which the backend was told the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Borrower {
    /// The caller.
    pub caller: Arc<[u8]>,
    /// What the caller declared.
    pub declared: Declared,
}

impl Upstream {
    /// The modern link, if it lives.
    #[must_use]
    pub fn modern_if_live(&self) -> Option<CallLink> {
        self.live_modern().map(CallLink::Shared)
    }

    /// A link for one call of a modern caller that can be asked something: the modern one if the backend speaks it, else
    /// a legacy one for this call alone, and where there is no room for that the shared one.
    ///
    /// # Errors
    /// When the backend cannot be reached.
    pub async fn for_asking(self: &Arc<Self>, borrower: Borrower) -> Result<CallLink, LinkError> {
        if let Some(link) = self.modern_if_live() {
            return Ok(link);
        }
        self.settle_modern().await;
        if self.verdict().modern == Some(true) {
            return self.modern().await.map(CallLink::Shared);
        }
        if self.definition().usage.sharing == Sharing::Shared {
            return self.plain_legacy().await.map(CallLink::Shared);
        }
        match self.lend(borrower).await? {
            Some(lease) => Ok(CallLink::Lent(Box::new(lease))),
            None => self.plain_legacy().await.map(CallLink::Shared),
        }
    }

    /// Lends a link; `None` when there is no room for one more.
    async fn lend(self: &Arc<Self>, borrower: Borrower) -> Result<Option<Lease>, LinkError> {
        if let Some(free) = self.shelf.take(&borrower) {
            let lease = Lease::again(self, free);
            // Another call's client may have had other roots.
            if lease.borrower().declared.offers("roots") {
                lease.link().notify(method::ROOTS_CHANGED, None);
            }
            return Ok(Some(lease));
        }
        if let Some(made) = self.shelf.adopt(&borrower) {
            return made.wait().await.map(Some);
        }
        if let Some(failed) = self.shelf.failed() {
            return Err(failed);
        }
        let Some(place) = self.place_for_call() else {
            return Ok(None);
        };
        self.make(borrower, place).wait().await.map(Some)
    }

    /// A place for one more link; one of another borrower that nobody uses makes room.
    fn place_for_call(self: &Arc<Self>) -> Option<lease::Place> {
        if !self.room.take(self.most_owned()) && !self.make_room() {
            if self.shelf.first_refusal() {
                tracing::warn!(
                    backend = %self.name(),
                    "{} processes or connections belong to sessions or calls already (max_processes); another one shares and cannot be asked",
                    self.most_owned(),
                );
            }
            return None;
        }
        Some(lease::Place::taken(self))
    }

    /// Waits until the backend has heard of the calls that were given up, before all links end. Bounded in time.
    pub(crate) async fn part_in_order(&self) {
        self.partings.close();
        let _ = tokio::time::timeout(FAREWELL, self.partings.wait()).await;
    }

    /// Ends the link that has been idle for longest, or else the making of one that nobody waits for; its place is the
    /// caller's now.
    pub(crate) fn make_room(&self) -> bool {
        if let Some(idle) = self.shelf.take_oldest() {
            self.tasks.spawn(async move { idle.link.close().await });
            return true;
        }
        let place = self.shelf.make_room();
        place.map(lease::Place::keep).is_some()
    }

    /// Ends links that nobody has borrowed for a while, as long as there are any.
    async fn tidy_shelf(self: Arc<Self>) {
        while let Some(pause) = self.shelf.until_next(LINGER) {
            if self.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
            for idle in self.shelf.take_idle(LINGER) {
                idle.link.close().await;
                self.room.give_back();
            }
        }
    }
}
