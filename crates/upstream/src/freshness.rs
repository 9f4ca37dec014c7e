//! Whether what was read of a backend's lists is what the backend has now.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use crate::hearing::{Heard, Hearing, ListKind};
use crate::hint::{Hint, ListHint};
use tokio::time::Instant;

/// Nothing is said to hold for longer, whatever its backend says.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of the last reading of lists that went well; nothing once these are doubtful. All copies are one.
#[derive(Debug, Clone, Default)]
pub struct Freshness(Arc<ArcSwapOption<Reading>>);

/// A reading of all lists of a link.
#[derive(Debug)]
pub(crate) struct Reading {
    /// When it began.
    at: Instant,
    hearing: Arc<Hearing>,
    /// What was heard of then.
    heard: Heard,
}

impl Reading {
    /// One that begins.
    pub(crate) fn begin(hearing: &Arc<Hearing>) -> Self {
        Self {
            at: Instant::now(),
            heard: hearing.now(),
            hearing: Arc::clone(hearing),
        }
    }

    /// Whether no change of a list can have gone unheard since then.
    fn hears(&self, kind: ListKind) -> bool {
        self.heard.hears(kind) && self.hearing.now() == self.heard
    }
}

impl Freshness {
    /// The lists are those of this reading.
    pub(crate) fn renew(&self, reading: Reading) {
        self.0.store(Some(Arc::new(reading)));
    }

    /// Nobody knows whether the lists are still right.
    pub(crate) fn doubt(&self) {
        self.0.store(None);
    }

    pub(crate) fn hears(&self, kind: ListKind) -> bool {
        self.0.load().as_ref().is_some_and(|reading| reading.hears(kind))
    }

    /// How long a list holds from now on: as its backend said (`unsaid`, if that cannot say it) as long as changes are
    /// heard of, else as much of that as is left.
    #[must_use]
    pub fn of_list(&self, list: ListHint, kind: ListKind, unsaid: Duration) -> Hint {
        let reading = self.0.load();
        let Some(reading) = reading.as_ref() else {
            return Hint::NONE;
        };
        match (list.given, list.announced && reading.hears(kind)) {
            (Some(given), true) => at_most_a_day(given),
            (Some(given), false) => since(reading.at, given),
            (None, true) => at_most_a_day(Hint {
                ttl_ms: unsaid.as_millis().try_into().unwrap_or(u64::MAX),
                public: false,
            }),
            (None, false) => Hint::NONE,
        }
    }

    /// How long what the backend said of itself holds from now on.
    #[must_use]
    pub fn of_hello(&self, given: Hint) -> Hint {
        let reading = self.0.load();
        reading
            .as_ref()
            .map_or(Hint::NONE, |reading| since(reading.hearing.made(), given))
    }
}

fn at_most_a_day(hint: Hint) -> Hint {
    let most = u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX);
    Hint {
        ttl_ms: hint.ttl_ms.min(most),
        ..hint
    }
}

fn since(at: Instant, given: Hint) -> Hint {
    let age = at.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
    at_most_a_day(Hint {
        ttl_ms: given.ttl_ms.saturating_sub(age),
        ..given
    })
}

/// Whether the lists of a [`State`] are what the backend has.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    /// Of the catalogue's link.
    pub(crate) common: Freshness,
    /// Of the shared legacy link.
    pub(crate) plain: Freshness,
    /// Of the modern link, where that is not the catalogue's.
    pub(crate) modern: Freshness,
}

impl Fresh {
    /// Nothing is known of any of them.
    pub(crate) fn doubt(&self) {
        for one in [&self.common, &self.plain, &self.modern] {
            one.doubt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: Hint = Hint {
        ttl_ms: 9000,
        public: true,
    };

    fn of(freshness: &Freshness, given: Option<Hint>, announced: bool) -> u64 {
        let list = ListHint { given, announced };
        freshness.of_list(list, ListKind::Tools, Duration::from_secs(5)).ttl_ms
    }

    fn read(hearing: &Arc<Hearing>) -> Freshness {
        let freshness = Freshness::default();
        freshness.renew(Reading::begin(hearing));
        freshness
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_not_heard_gets_older() {
        let hearing = Arc::new(Hearing::by_stream(true));
        let freshness = read(&hearing);
        tokio::time::advance(Duration::from_millis(4000)).await;
        assert_eq!(of(&freshness, Some(GIVEN), true), 5000, "no stream stands");
        assert_eq!(of(&freshness, None, true), 0);
        assert_eq!(freshness.of_hello(GIVEN).ttl_ms, 5000);
        hearing.stands([true, false, false]);
        assert_eq!(of(&freshness, Some(GIVEN), true), 5000, "it was read before that");
        freshness.renew(Reading::begin(&hearing));
        tokio::time::advance(Duration::from_millis(4000)).await;
        assert_eq!(of(&freshness, Some(GIVEN), true), 9000);
        assert_eq!(
            of(&freshness, Some(GIVEN), false),
            5000,
            "it does not say when it changes"
        );
        assert_eq!((of(&freshness, None, true), of(&freshness, None, false)), (5000, 0));
        assert!(freshness.hears(ListKind::Tools) && !freshness.hears(ListKind::Prompts));
        hearing.breaks();
        assert_eq!(of(&freshness, Some(GIVEN), true), 5000);
        hearing.stands([true; 3]);
        assert_eq!(
            of(&freshness, Some(GIVEN), true),
            5000,
            "it may have changed in between"
        );
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(of(&freshness, Some(GIVEN), true), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_doubtful_does_not_hold_at_all() {
        let hearing = Arc::new(Hearing::as_it_is());
        let freshness = read(&hearing);
        let copy = freshness.clone();
        assert_eq!(of(&copy, Some(GIVEN), true), 9000);
        freshness.doubt();
        assert_eq!((of(&copy, Some(GIVEN), true), copy.of_hello(GIVEN)), (0, Hint::NONE));
        assert_eq!(
            of(&Freshness::default(), Some(GIVEN), true),
            0,
            "never read in this run"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_holds_for_more_than_a_day() {
        let freshness = read(&Arc::new(Hearing::as_it_is()));
        let ever = Hint {
            ttl_ms: u64::MAX,
            public: true,
        };
        let day = 24 * 60 * 60 * 1000;
        assert_eq!(of(&freshness, Some(ever), true), day);
        assert_eq!(
            (of(&freshness, Some(ever), false), freshness.of_hello(ever).ttl_ms),
            (day, day)
        );
    }
}
