//! `timeouts`: how long a backend's answers may take.

use std::time::Duration;

use super::BackendKind;
use crate::decode::{Context, Field, Fields, Kind, Preset, Section, defaults};

/// How long a backend's answers may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// From the start of a connection to the end of the handshake.
    pub init: Duration,
    /// Each page of each list.
    pub cap_fetch: Duration,
    /// One whole attempt to connect, lists included.
    pub startup: Duration,
    /// From the start of the process of a backend over HTTP+SSE until its endpoint answers.
    pub sse_startup: Duration,
    /// A call; progress starts it anew, and it stands still while a question is with the client.
    pub call: Duration,
}

const LONGEST_WAIT: Kind = Kind::Seconds { min: 0.1, max: 3600.0 };

const INIT: Field = Field::new(
    "init",
    LONGEST_WAIT,
    "From the start of a connection to the end of the handshake, in seconds; 60 for stdio, 15 for the others.",
);
const CAP_FETCH: Field =
    Field::new("cap_fetch", LONGEST_WAIT, "Each page of each list, in seconds.").preset(Preset::Seconds(10.0));
const STARTUP: Field = Field::new(
    "startup",
    LONGEST_WAIT,
    "One whole attempt to connect, lists included, in seconds.",
)
.preset(Preset::Seconds(90.0));
const CALL: Field = Field::new(
    "call",
    Kind::Seconds {
        min: 0.1,
        max: 86_400.0,
    },
    "A call, in seconds; progress starts it anew, and it stands still while a question is with the client.",
)
.preset(Preset::Seconds(300.0));

const SSE_STARTUP: Field = Field::new(
    "sse_startup",
    LONGEST_WAIT,
    "From the start of the process until the url answers, in seconds.",
)
.preset(Preset::Seconds(5.0));

/// The keys of most kinds of backends.
pub(super) const FIELDS: Fields = &[COMMON];
/// The keys of a backend over HTTP+SSE.
pub(super) const SSE_FIELDS: Fields = &[COMMON, &[SSE_STARTUP]];

const COMMON: &[Field] = &[INIT, CAP_FETCH, STARTUP, CALL];

impl Timeouts {
    pub(super) fn read(section: &Section<'_>, kind: BackendKind, cx: &mut Context<'_>) -> Self {
        let mut seconds = |field| section.seconds(field, cx);
        Self {
            init: seconds(&INIT).unwrap_or_else(|| init(kind)),
            cap_fetch: seconds(&CAP_FETCH).unwrap_or_default(),
            startup: seconds(&STARTUP).unwrap_or_default(),
            sse_startup: seconds(&SSE_STARTUP).unwrap_or_default(),
            call: seconds(&CALL).unwrap_or_default(),
        }
    }

    /// What holds for a backend of this kind when the file says nothing.
    #[must_use]
    pub fn preset(kind: BackendKind) -> Self {
        defaults(|section, cx| Self::read(section, kind, cx))
    }
}

fn init(kind: BackendKind) -> Duration {
    match kind {
        BackendKind::Stdio => Duration::from_secs(60),
        BackendKind::StreamableHttp | BackendKind::Sse => Duration::from_secs(15),
    }
}
