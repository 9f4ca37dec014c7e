//! `health`: how it is found out whether a backend answers, and when it is no longer called.

use std::time::Duration;

use crate::decode::{Context, Field, Fields, Kind, Preset, Section, defaults};

/// How it is found out whether a backend answers, and when it is no longer called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Health {
    /// Whether it is asked at all.
    pub enabled: bool,
    /// The time between two questions.
    pub interval: Duration,
    /// How long it may take to answer one.
    pub timeout: Duration,
    /// An answer that takes longer makes it degraded.
    pub slow: Duration,
    /// So many failures in a row make it unhealthy, and it is no longer called.
    pub failures: u32,
    /// How long it is not called then.
    pub cooldown: Duration,
}

const ENABLED: Field = Field::new(
    "enabled",
    Kind::Flag,
    "Whether the backend is asked, again and again, whether it is there.",
)
.preset(Preset::Flag(true));
const INTERVAL: Field = Field::new(
    "interval",
    Kind::Seconds { min: 0.1, max: 3600.0 },
    "The time between two questions, in seconds.",
)
.preset(Preset::Seconds(30.0));
const TIMEOUT: Field = Field::new(
    "timeout",
    Kind::Seconds { min: 0.1, max: 600.0 },
    "How long the backend may take to answer one, in seconds.",
)
.preset(Preset::Seconds(10.0));
const SLOW: Field = Field::new(
    "slow",
    Kind::Seconds { min: 0.001, max: 600.0 },
    "A backend that takes longer to answer is degraded, in seconds.",
)
.preset(Preset::Seconds(5.0));
const FAILURES: Field = Field::new(
    "failures",
    Kind::Whole { min: 1, max: 100 },
    "So many failures in a row make the backend unhealthy: it is connected to anew and no longer called.",
)
.preset(Preset::Whole(3));
const COOLDOWN: Field = Field::new(
    "cooldown",
    Kind::Seconds { min: 0.1, max: 3600.0 },
    "How long an unhealthy backend is not called until one call is tried, in seconds.",
)
.preset(Preset::Seconds(5.0));

pub(super) const FIELDS: Fields = &[&[ENABLED, INTERVAL, TIMEOUT, SLOW, FAILURES, COOLDOWN]];

impl Health {
    pub(super) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        Self {
            enabled: section.flag(&ENABLED, cx),
            interval: section.seconds(&INTERVAL, cx).unwrap_or_default(),
            timeout: section.seconds(&TIMEOUT, cx).unwrap_or_default(),
            slow: section.seconds(&SLOW, cx).unwrap_or_default(),
            failures: section
                .whole(&FAILURES, cx)
                .and_then(|count| count.try_into().ok())
                .unwrap_or(1),
            cooldown: section.seconds(&COOLDOWN, cx).unwrap_or_default(),
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        defaults(Self::read)
    }
}
