//! `catalogue`: how the list of all capabilities is kept.

use std::time::Duration;

use crate::decode::{Context, Field, Fields, Kind, Preset, SecondsOr, Section, defaults};

/// How the list of all capabilities is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Catalogue {
    /// How long clients still see what a backend that is away listed last; `None`: for ever.
    pub grace: Option<Duration>,
    /// How long clients may keep lists of backends that cannot say so, but say when these change.
    pub list_ttl: Duration,
}

const KEEP: &str = "keep";
const DROP: &str = "drop";

const GRACE: Field = Field::new(
    "grace",
    Kind::SecondsOr {
        min: 0.0,
        max: 86_400.0,
        words: &[KEEP, DROP],
    },
    "How long clients still see what a backend that is away listed last, in seconds; `keep`: for ever, `drop`: not at all.",
)
.preset(Preset::Seconds(60.0));

const LIST_TTL: Field = Field::new(
    "list_ttl",
    Kind::Seconds {
        min: 0.0,
        max: 86_400.0,
    },
    "How long clients of 2026-07-28 may keep what older backends list that announce changes, in seconds.",
)
.preset(Preset::Seconds(0.0));

pub(crate) const FIELDS: Fields = &[&[GRACE, LIST_TTL]];

impl Catalogue {
    pub(crate) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        Self {
            grace: match section.seconds_or(&GRACE, cx) {
                Some(SecondsOr::Seconds(grace)) => Some(grace),
                Some(SecondsOr::Word(KEEP)) => None,
                Some(SecondsOr::Word(_)) | None => Some(Duration::ZERO),
            },
            list_ttl: section.seconds(&LIST_TTL, cx).unwrap_or_default(),
        }
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        defaults(Self::read)
    }
}
