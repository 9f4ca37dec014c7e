//! Links in the making: they are made also when nobody waits for them any more, because a backend that starts slowly would
//! never be ready for a client that is in a hurry.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::feed::LentFeed;
use super::lease::{Lease, Place};
use super::{Borrower, Upstream};
use crate::watched::Source;
use crate::{FeedSink, LinkError};

/// So many may go on that nobody waits for.
const MOST_ABANDONED: usize = 8;

/// What came of it.
type Made = Result<Lease, LinkError>;

/// Tells what came of it. Where nobody waits any more, the link goes to the shelf: its lease is dropped.
pub(super) type Waits = oneshot::Sender<Made>;

/// The place of a link while it is being made; none where somebody else has got it.
#[derive(Debug)]
pub(super) struct Held(Mutex<Option<Place>>);

impl Held {
    fn new(place: Place) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(place))))
    }

    fn take(&self) -> Option<Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A link that is being made.
#[derive(Debug)]
struct Making {
    number: u64,
    borrower: Borrower,
    waits: Waits,
    given_up: CancellationToken,
    /// Whoever makes the link holds it.
    place: Weak<Held>,
}

/// All links that are being made, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Makings {
    last: u64,
    all: Vec<Making>,
}

/// One that has begun.
#[derive(Debug)]
pub(super) struct Begun {
    number: u64,
    given_up: CancellationToken,
}

/// Waits for a link.
#[derive(Debug)]
pub(super) struct InTheMaking(oneshot::Receiver<Made>);

impl InTheMaking {
    pub(super) async fn wait(self) -> Made {
        self.0.await.unwrap_or_else(|_| Err(given_up()))
    }
}

impl Making {
    /// Whether it goes on and nobody waits for it.
    fn is_abandoned(&self) -> bool {
        self.waits.is_closed() && !self.given_up.is_cancelled()
    }
}

impl Makings {
    /// One for the like that nobody waits for any more.
    pub(super) fn adopt(&mut self, borrower: &Borrower) -> Option<InTheMaking> {
        let fits = |making: &&mut Making| making.is_abandoned() && making.borrower == *borrower;
        let making = self.all.iter_mut().find(fits)?;
        let (waits, made) = oneshot::channel();
        making.waits = waits;
        Some(InTheMaking(made))
    }

    /// Begins one. Where too many are abandoned, the oldest of these is given up.
    pub(super) fn begin(&mut self, borrower: &Borrower, place: &Arc<Held>) -> (Begun, InTheMaking) {
        let mut abandoned = self.all.iter().filter(|making| making.is_abandoned());
        if let Some(oldest) = abandoned.next()
            && abandoned.count() + 1 >= MOST_ABANDONED
        {
            oldest.given_up.cancel();
        }
        self.last += 1;
        let (waits, made) = oneshot::channel();
        let begun = Begun {
            number: self.last,
            given_up: CancellationToken::new(),
        };
        self.all.push(Making {
            number: begun.number,
            borrower: borrower.clone(),
            waits,
            given_up: begun.given_up.clone(),
            place: Arc::downgrade(place),
        });
        (begun, InTheMaking(made))
    }

    /// Gives up the oldest that nobody waits for: another one gets its place.
    pub(super) fn make_room(&mut self) -> Option<Place> {
        let mut abandoned = self.all.iter().filter(|making| making.is_abandoned());
        abandoned.find_map(|making| {
            let place = making.place.upgrade()?.take()?;
            making.given_up.cancel();
            Some(place)
        })
    }

    /// It is over.
    pub(super) fn end(&mut self, number: u64) -> Option<Waits> {
        let at = self.all.iter().position(|making| making.number == number)?;
        Some(self.all.remove(at).waits)
    }
}

impl Upstream {
    /// Makes a link in a place, and waits for it; it is made also when nobody waits any more.
    pub(super) fn make(self: &Arc<Self>, borrower: Borrower, place: Place) -> InTheMaking {
        let place = Held::new(place);
        let (begun, made) = self.shelf.begin(&borrower, &place);
        let upstream = Arc::clone(self);
        self.tasks.spawn(async move {
            let making = upstream.fresh(borrower, place);
            let made = begun.given_up.run_until_cancelled(making).await;
            let made = made.unwrap_or_else(|| Err(given_up()));
            // The shelf is not locked when a link goes back to it.
            let waits = upstream.shelf.end(begun.number);
            if let Some(waits) = waits {
                let _ = waits.send(made);
            }
        });
        made
    }

    async fn fresh(self: &Arc<Self>, borrower: Borrower, place: Arc<Held>) -> Made {
        let (feed, heard) = LentFeed::open();
        let sink = self.watched(Source::Owned, Arc::<LentFeed>::clone(&feed) as Arc<dyn FeedSink>);
        let making = Box::pin(self.connector.clone().legacy(borrower.declared.clone(), true, sink));
        let made = self.unless_stopped(making).await;
        self.learn_legacy(&made);
        match made {
            Ok(link) => {
                let link = Arc::new(link);
                self.shelf.lent(&link);
                let Some(place) = place.take() else {
                    link.close().await;
                    return Err(given_up());
                };
                Ok(Lease::first(borrower, link, feed, heard, place))
            }
            Err(error) => {
                // What a backend refuses in one caller's words is nobody else's business.
                if !error.is_refusal() {
                    self.shelf.fail(&error);
                }
                Err(error)
            }
        }
    }
}

fn given_up() -> LinkError {
    LinkError::Closed("the attempt to connect was given up".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Declared;

    fn borrower(caller: u8) -> Borrower {
        Borrower {
            caller: Arc::new([caller]),
            declared: Declared::nothing(),
        }
    }

    fn begin(makings: &mut Makings, borrower: Borrower) -> (Begun, InTheMaking) {
        makings.begin(&borrower, &held())
    }

    fn held() -> Arc<Held> {
        Held::new(Place::of_nobody())
    }

    #[tokio::test]
    async fn one_that_nobody_waits_for_is_adopted_by_the_like() {
        let mut makings = Makings::default();
        let (begun, first) = begin(&mut makings, borrower(1));
        assert!(makings.adopt(&borrower(1)).is_none(), "somebody waits for it");
        drop(first);
        assert!(makings.adopt(&borrower(2)).is_none());
        let adopted = makings.adopt(&borrower(1)).unwrap();
        assert!(makings.adopt(&borrower(1)).is_none(), "two wait for one link");
        let waits = makings.end(begun.number).unwrap();
        waits.send(Err(LinkError::Closed("refused".to_owned()))).unwrap();
        assert!(matches!(adopted.wait().await, Err(LinkError::Closed(why)) if why == "refused"));
        assert!(makings.end(begun.number).is_none() && makings.adopt(&borrower(1)).is_none());
    }

    #[test]
    fn so_many_are_made_for_nobody() {
        let mut makings = Makings::default();
        let waited_for = begin(&mut makings, borrower(0));
        let abandoned: Vec<Begun> = (0..MOST_ABANDONED)
            .map(|_| begin(&mut makings, borrower(1)).0)
            .collect();
        let given_up = |begun: &Begun| begun.given_up.is_cancelled();
        assert!(!abandoned.iter().any(given_up));
        drop(begin(&mut makings, borrower(2)));
        assert!(given_up(&abandoned[0]) && !abandoned[1..].iter().any(given_up));
        drop(begin(&mut makings, borrower(2)));
        assert!(given_up(&abandoned[1]) && !given_up(&abandoned[2]));
        // Those that were given up come to nothing: the next like one waits for the third.
        let adopted = makings.adopt(&borrower(1)).unwrap();
        let waits = makings.end(abandoned[2].number).unwrap();
        assert!(!waits.is_closed(), "one that was given up is waited for");
        drop(adopted);
        assert!(!given_up(&waited_for.0));
    }

    #[test]
    fn the_oldest_that_nobody_waits_for_makes_room_once() {
        let mut makings = Makings::default();
        let places = [held(), held(), held()];
        let [waited_for, first, second] =
            [1, 2, 3].map(|caller| makings.begin(&borrower(caller), &places[caller as usize - 1]));
        assert!(makings.make_room().is_none(), "somebody waits for each");
        drop((first.1, second.1));
        let given_up = || [&waited_for.0, &first.0, &second.0].map(|begun| begun.given_up.is_cancelled());
        assert!(makings.make_room().is_some());
        assert_eq!(given_up(), [false, true, false]);
        assert!(places[1].take().is_none(), "two have one place");
        // The third is made by now.
        assert!(places[2].take().is_some());
        assert!(makings.make_room().is_none());
        assert_eq!(given_up(), [false, true, false]);
    }
}
