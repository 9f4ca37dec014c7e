//! What an operator should know of a backend beside its phase.

use std::sync::Arc;
use std::time::SystemTime;

/// Something about a backend that the operator decides about, not the backend itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What it is.
    pub kind: ConditionKind,
    /// What it is about and what can be done, for a person.
    pub message: String,
    /// The other backends that have a part in it.
    pub backends: Vec<Arc<str>>,
}

/// A condition that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Which.
    pub condition: Condition,
    /// Since when.
    pub since: SystemTime,
}

/// The kinds of conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionKind {
    /// The backend is left out of the catalogue, because names of its are those of other backends
    /// (`conflict_resolution.strategy: error`).
    NameCollision,
    /// Some of what the backend lists is hidden, because other backends have it under the same names or URIs.
    NamesHidden,
    /// Some of its tools mark arguments for headers (`x-mcp-header`) in a way that is not allowed. They are listed and can
    /// be called, but Streamable HTTP clients of 2026-07-28 leave them out.
    BadHeaderMarks,
}

impl ConditionKind {
    /// The kind as logs and the management API have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NameCollision => "NameCollision",
            Self::NamesHidden => "NamesHidden",
            Self::BadHeaderMarks => "BadHeaderMarks",
        }
    }

    /// What is to be said when it is so no more.
    pub(crate) fn over(self) -> &'static str {
        match self {
            Self::NameCollision | Self::NamesHidden => "no other backend has names of this one any more",
            Self::BadHeaderMarks => "its tools mark arguments for headers as they must",
        }
    }
}
