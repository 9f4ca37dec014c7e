//! How a call ended, in one word.

use argus_protocol::{Answer, tool_failed};

use super::CallMethod;
use crate::{LinkError, Outcome};

/// How a call to a backend ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// With a result.
    Ok,
    /// With a result that says that the tool failed (`isError`).
    ToolError,
    /// With an error of the protocol: the backend's, or the gateway's for a request that cannot be sent.
    Error,
    /// The answer, the connection or the turn did not come in time.
    Timeout,
    /// Its client cancelled it or went away, or the gateway stopped.
    Cancelled,
    /// It was not made: the backend failed too often, or too many calls were waiting.
    Refused,
    /// The backend could not be reached, or its connection broke.
    Unavailable,
}

impl CallEnd {
    /// All of them, each at the place of its number.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::ToolError,
        Self::Error,
        Self::Timeout,
        Self::Cancelled,
        Self::Refused,
        Self::Unavailable,
    ];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }

    pub(super) fn place(self) -> usize {
        self as usize
    }

    /// The end of a call with this outcome.
    pub(crate) fn of(method: CallMethod, outcome: &Outcome) -> Self {
        match outcome {
            Ok(Answer::Result(result)) if method.may_fail_in_result() && tool_failed(result) => Self::ToolError,
            Ok(Answer::Result(_)) => Self::Ok,
            Ok(Answer::Error(_)) => Self::Error,
            Err(cause) => Self::from(cause),
        }
    }
}

impl From<&LinkError> for CallEnd {
    fn from(cause: &LinkError) -> Self {
        match cause {
            LinkError::Timeout { .. } | LinkError::TooLate { .. } => Self::Timeout,
            LinkError::Busy { .. } | LinkError::Resting { .. } => Self::Refused,
            LinkError::Unsendable(_) | LinkError::Refused { .. } => Self::Error,
            _ => Self::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use argus_protocol::Raw;

    use super::*;

    #[test]
    fn each_is_at_its_place() {
        for (place, end) in CallEnd::ALL.into_iter().enumerate() {
            assert_eq!(end.place(), place, "{end:?}");
        }
    }

    #[test]
    fn only_the_result_of_a_tool_can_fail() {
        let failed = || Ok(Answer::Result(Raw::parse(r#"{"content":[],"isError":true}"#).unwrap()));
        assert_eq!(CallEnd::of(CallMethod::ToolsCall, &failed()), CallEnd::ToolError);
        assert_eq!(CallEnd::of(CallMethod::TasksResult, &failed()), CallEnd::ToolError);
        assert_eq!(CallEnd::of(CallMethod::ResourcesRead, &failed()), CallEnd::Ok);
        let error = Ok(Answer::Error(Raw::empty_object()));
        assert_eq!(CallEnd::of(CallMethod::ToolsCall, &error), CallEnd::Error);
    }

    #[test]
    fn what_failed_says_why() {
        let after = Duration::from_secs(1);
        let of = |cause: LinkError| CallEnd::from(&cause);
        assert_eq!(of(LinkError::TooLate { after }), CallEnd::Timeout);
        assert_eq!(of(LinkError::Busy { calls: 1, waiting: 1 }), CallEnd::Refused);
        assert_eq!(of(LinkError::Closed(String::new())), CallEnd::Unavailable);
        assert_eq!(of(LinkError::Unsendable(String::new())), CallEnd::Error);
    }
}
