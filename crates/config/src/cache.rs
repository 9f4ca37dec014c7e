//! `cache`: what backends answered, kept for the time that they gave.

use crate::decode::{Context, Field, Fields, Kind, Preset, Section, defaults};

/// What backends answered, kept for the time that they gave.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cache {
    /// Whether anything is kept.
    pub enabled: bool,
    /// How many answers are kept at most.
    pub max_entries: u64,
    /// How many bytes they have together at most.
    pub max_bytes: u64,
}

const ENABLED: Field = Field::new(
    "enabled",
    Kind::Flag,
    "Whether contents of resources are kept that their backends declare public, for as long as these say.",
)
.preset(Preset::Flag(false));
const MAX_ENTRIES: Field = Field::new(
    "max_entries",
    Kind::Whole { min: 1, max: 100_000 },
    "How many of them are kept; beyond that, those go first that were not read for longest.",
)
.preset(Preset::Whole(10_000));
const MAX_BYTES: Field = Field::new(
    "max_bytes",
    Kind::Whole {
        min: 65_536,
        max: 4_294_967_295,
    },
    "How many bytes they may have together.",
)
.preset(Preset::Whole(64 * 1024 * 1024));

pub(crate) const FIELDS: Fields = &[&[ENABLED, MAX_ENTRIES, MAX_BYTES]];

impl Cache {
    pub(crate) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        Self {
            enabled: section.flag(&ENABLED, cx),
            max_entries: section.whole(&MAX_ENTRIES, cx).unwrap_or_default(),
            max_bytes: section.whole(&MAX_BYTES, cx).unwrap_or_default(),
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        defaults(Self::read)
    }
}
