//! `conflict_resolution`: what happens when two backends use one name.

use crate::decode::{Context, Field, Fields, Kind, Preset, Section, defaults, rules};

/// What happens when two backends use one name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConflictResolution {
    /// Which names get their backend's name in front.
    pub strategy: Strategy,
    /// What stands between the backend's name and the capability's name.
    pub separator: String,
}

/// Which names get their backend's name in front.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Strategy {
    /// Only those that a backend earlier in the configuration uses too.
    #[default]
    Auto,
    /// Every name.
    Prefix,
}

const STRATEGY: Field = Field::new(
    "strategy",
    Kind::Choice(&["auto", "prefix"]),
    "`auto`: only the later one of two equal names gets its backend's name in front; `prefix`: every name does.",
)
.preset(Preset::Text("auto"));
const SEPARATOR: Field = Field::new(
    "separator",
    Kind::Text(&rules::SEPARATOR),
    "What stands between the backend's name and the capability's name.",
)
.preset(Preset::Text("_"));

pub(crate) const FIELDS: Fields = &[&[STRATEGY, SEPARATOR]];

impl ConflictResolution {
    pub(crate) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        let strategy = match section.choice(&STRATEGY, cx) {
            Some("prefix") => Strategy::Prefix,
            _ => Strategy::Auto,
        };
        Self {
            strategy,
            separator: section.text(&SEPARATOR, cx),
        }
    }
}

impl Default for ConflictResolution {
    fn default() -> Self {
        defaults(Self::read)
    }
}
