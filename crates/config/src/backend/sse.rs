//! `type: sse`: an HTTP endpoint that speaks HTTP+SSE, the transport of 2024-11-05.

use super::process::Process;
use super::remote::Remote;
use crate::decode::{Context, Field, Kind, Section};

/// The value of `type`.
pub(super) const TYPE: &str = "sse";

/// An HTTP endpoint that speaks HTTP+SSE, and the process behind it if the gateway starts it.
#[derive(Clone, Debug)]
pub struct Sse {
    /// Where the event stream is.
    pub remote: Remote,
    /// A process of this machine that serves the endpoint. It is started first.
    pub process: Option<Process>,
}

const TYPE_FIELD: Field = Field::new(
    "type",
    Kind::Choice(&[TYPE]),
    "An HTTP endpoint that speaks HTTP+SSE (2024-11-05).",
)
.required();

pub(super) const TYPE_FIELDS: &[Field] = &[TYPE_FIELD];

impl Sse {
    /// `None` after a report, or when a variable in the address is unset.
    pub(super) fn read(section: &Section<'_>, cx: &mut Context<'_>) -> Option<Self> {
        let remote = Remote::read(section, cx);
        let process = Process::read_first(section, cx);
        Some(Self {
            remote: remote?,
            process,
        })
    }
}
