//! `catalogue`: how the list of all capabilities is kept.

use std::time::Duration;

use crate::decode::{Context, Field, Fields, Kind, Preset, Section, defaults};

/// How the list of all capabilities is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Catalogue {
    /// How long clients still see what a backend that is away listed last.
    pub grace: Duration,
    /// How long clients may keep lists of backends that cannot say so, but say when these change.
    pub list_ttl: Duration,
}

const GRACE: Field = Field::new(
    "grace",
    Kind::Seconds {
        min: 0.0,
        max: 86_400.0,
    },
    "How long clients still see what a backend that is away listed last, in seconds.",
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
            grace: section.seconds(&GRACE, cx).unwrap_or_default(),
            list_ttl: section.seconds(&LIST_TTL, cx).unwrap_or_default(),
        }
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        defaults(Self::read)
    }
}
