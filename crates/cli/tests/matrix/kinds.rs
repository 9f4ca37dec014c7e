//! The words of the matrix.

/// A generation of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Legacy,
    Modern,
}

/// The generations that a backend speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Legacy,
    Modern,
    Both,
}

impl Speaks {
    /// The generation in which it is spoken to on behalf of such a client.
    pub(crate) fn to(self, client: Era) -> Era {
        match self {
            Self::Legacy => Era::Legacy,
            Self::Modern => Era::Modern,
            Self::Both => client,
        }
    }
}

/// The transport of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Stdio,
    Sse,
    Http,
}

/// A kind of backend.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side {
    pub(crate) name: &'static str,
    /// What the README calls it.
    pub(crate) title: &'static str,
    pub(crate) speaks: Speaks,
    pub(crate) over: Over,
}

/// What works, or does not, between a client and a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Concern {
    List,
    Call,
    Read,
    Prompt,
    Completion,
    Progress,
    Log,
    Cancel,
    Error,
    Elicitation,
    Sampling,
    ListChanged,
    Subscribe,
}

impl Concern {
    /// All of them, in the order in which they are tried.
    pub(crate) const ALL: [Self; 13] = [
        Self::List,
        Self::Call,
        Self::Read,
        Self::Prompt,
        Self::Completion,
        Self::Progress,
        Self::Log,
        Self::Cancel,
        Self::Error,
        Self::Elicitation,
        Self::Sampling,
        Self::ListChanged,
        Self::Subscribe,
    ];

    /// What the README calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Call => "call",
            Self::Read => "read",
            Self::Prompt => "prompt",
            Self::Completion => "completion",
            Self::Progress => "progress",
            Self::Log => "log",
            Self::Cancel => "cancel",
            Self::Error => "error",
            Self::Elicitation => "elicitation",
            Self::Sampling => "sampling",
            Self::ListChanged => "list_changed",
            Self::Subscribe => "subscribe",
        }
    }
}
