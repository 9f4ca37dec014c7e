//! How much of a backend is used at once, and by whom.

use crate::decode::{Context, Field, Kind, Preset, Section, defaults};

/// Which clients share a connection to a backend.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Sharing {
    /// Sessions that a backend could ask something get connections of their own; all others share one.
    #[default]
    Auto,
    /// All clients share one connection; what the backend asks is refused.
    Shared,
    /// Every session gets a connection of its own, from its start to its end.
    Session,
}

/// How much of a backend is used at once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Usage {
    /// Which clients share a connection.
    pub sharing: Sharing,
    /// Connections of sessions' own over stdio and SSE; a session beyond shares, and what the backend asks it is refused.
    pub max_processes: usize,
    /// Calls that are with the backend at once.
    pub max_concurrent_calls: usize,
    /// Calls that wait for their turn; more are refused.
    pub max_waiting_calls: usize,
}

const SHARING: Field = Field::new(
    "sharing",
    Kind::Choice(&["auto", "shared", "session"]),
    "Which clients share a connection: `auto` gives one of its own to every session that can be asked something.",
)
.preset(Preset::Text("auto"));
const MAX_PROCESSES: Field = Field::new(
    "max_processes",
    Kind::Whole { min: 1, max: 10_000 },
    "How many sessions may have a process (or an SSE connection) of their own; those beyond share one.",
)
.preset(Preset::Whole(8));
const MAX_CONCURRENT_CALLS: Field = Field::new(
    "max_concurrent_calls",
    Kind::Whole { min: 1, max: 100_000 },
    "How many calls may be with the backend at once; those beyond wait.",
)
.preset(Preset::Whole(1000));
const MAX_WAITING_CALLS: Field = Field::new(
    "max_waiting_calls",
    Kind::Whole { min: 0, max: 100_000 },
    "How many calls may wait for their turn at the backend; those beyond are refused.",
)
.preset(Preset::Whole(1000));

pub(super) const FIELDS: &[Field] = &[SHARING, MAX_PROCESSES, MAX_CONCURRENT_CALLS, MAX_WAITING_CALLS];

impl Usage {
    pub(super) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        let mut count = |field| {
            section
                .whole(field, cx)
                .and_then(|number| number.try_into().ok())
                .unwrap_or_default()
        };
        let (max_processes, max_concurrent_calls, max_waiting_calls) = (
            count(&MAX_PROCESSES),
            count(&MAX_CONCURRENT_CALLS),
            count(&MAX_WAITING_CALLS),
        );
        Self {
            sharing: Sharing::read(section, cx),
            max_processes,
            max_concurrent_calls,
            max_waiting_calls,
        }
    }
}

impl Default for Usage {
    fn default() -> Self {
        defaults(Self::read)
    }
}

impl Sharing {
    fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Self {
        match section.choice(&SHARING, cx) {
            Some("shared") => Self::Shared,
            Some("session") => Self::Session,
            _ => Self::Auto,
        }
    }

    /// The word for it in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Shared => "shared",
            Self::Session => "session",
        }
    }
}
