//! Why a link cannot be had or cannot carry a call.

use std::time::Duration;

use argus_protocol::{Raw, RpcError, code};

/// What went wrong with a link.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LinkError {
    /// The process could not be started.
    #[error("cannot start: {0}")]
    Spawn(String),
    /// The connection ended; says how.
    #[error("{0}")]
    Closed(String),
    /// An answer did not come in time.
    #[error("no answer to `{what}` within {} s", after.as_secs_f64())]
    Timeout {
        /// What was asked.
        what: &'static str,
        /// The deadline.
        after: Duration,
    },
    /// A call went unanswered for longer than `timeouts.call`.
    #[error(
        "no answer within {} s; raise timeouts.call if the work takes longer",
        after.as_secs_f64()
    )]
    TooLate {
        /// The limit.
        after: Duration,
    },
    /// Another one, or none, has taken its place.
    #[error("it was disabled or removed")]
    Retired,
    /// More calls wait for their turn than may.
    #[error(
        "{calls} calls are with it and {waiting} wait already (max_concurrent_calls, max_waiting_calls); try again later"
    )]
    Busy {
        /// Calls that may be with the backend at once.
        calls: usize,
        /// Calls that may wait.
        waiting: usize,
    },
    /// It failed too often to be called now.
    #[error(
        "not called after {failures} failures in a row (the last: {last}); it is tried again in {} s",
        retry_in.as_secs_f64().ceil()
    )]
    Resting {
        /// How many there were.
        failures: u32,
        /// The last one.
        last: String,
        /// When one call is tried.
        retry_in: Duration,
    },
    /// The request cannot be sent as it is; it is the caller's.
    #[error("{0}")]
    Unsendable(String),
    /// The peer could not be reached over HTTP.
    #[error("cannot reach {url}: {cause}")]
    Unreachable {
        /// Where.
        url: String,
        /// Why.
        cause: String,
    },
    /// The peer answered with a status that is no answer.
    #[error("{url} answered {status}{hint}")]
    Status {
        /// Where.
        url: String,
        /// The HTTP status.
        status: http::StatusCode,
        /// What to do, or empty.
        hint: &'static str,
    },
    /// The legacy session is gone (404; MCP "Session management").
    #[error("the session at {0} is gone")]
    SessionLost(String),
    /// A redirect leads to another origin: credentials must not go there.
    #[error("{from} redirects to {to}, another origin; if you trust it, write it as the url of the backend")]
    Redirect {
        /// Where the request went.
        from: String,
        /// Where it was sent on to.
        to: String,
    },
    /// The event stream wants messages at another origin: credentials must not go there.
    #[error(
        "its `endpoint` event leads to {to}, another origin than that of its url; let the server name a path of its \
         own, or write the url as the server sees it"
    )]
    ForeignEndpoint {
        /// The origin.
        to: String,
    },
    /// The peer answered something that is not the protocol.
    #[error("{0}")]
    Protocol(String),
    /// The peer answered with an error.
    #[error("the backend refuses `{method}`: {}", argus_protocol::error::message_of(error).unwrap_or_default())]
    Refused {
        /// What was asked.
        method: &'static str,
        /// The error object.
        error: Raw,
    },
    /// The backend does not speak the era that was asked for.
    #[error("the backend does not speak {0}")]
    Era(&'static str),
}

impl LinkError {
    /// The connection was ended on purpose.
    pub(crate) fn stopped() -> Self {
        Self::Closed("the backend was stopped".to_owned())
    }

    /// The `code` of the peer's own error, if it answered one.
    #[must_use]
    pub fn refusal_code(&self) -> Option<i64> {
        match self {
            Self::Refused { error, .. } => argus_protocol::error::code_of(error),
            _ => None,
        }
    }

    /// Whether the peer itself answered, rather than nobody.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Era(_))
    }

    /// Whether the backend cannot be reached any more, or no longer knows the connection.
    #[must_use]
    pub fn means_away(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::SessionLost(_) | Self::Closed(_))
    }

    /// Whether a proxy answers that the backend behind it is away (RFC 9110 section 15.6).
    #[must_use]
    pub fn is_of_a_proxy(&self) -> bool {
        use http::StatusCode;
        let away = [
            StatusCode::BAD_GATEWAY,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::GATEWAY_TIMEOUT,
        ];
        matches!(self, Self::Status { status, .. } if away.contains(status))
    }

    /// Whether something came that is no answer: a bare status, a page, or a way to somewhere else.
    #[must_use]
    pub fn is_no_answer(&self) -> bool {
        matches!(
            self,
            Self::Status { .. } | Self::Protocol(_) | Self::Redirect { .. } | Self::ForeignEndpoint { .. }
        )
    }

    /// Whether it wants to be asked less often (RFC 6585 section 4).
    #[must_use]
    pub fn wants_patience(&self) -> bool {
        matches!(self, Self::Status { status, .. } if *status == http::StatusCode::TOO_MANY_REQUESTS)
    }

    /// Whether it speaks against the backend, or the way to it: no answer in time, or a broken connection.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        let silent = matches!(
            self,
            Self::TooLate { .. } | Self::Timeout { .. } | Self::Closed(_) | Self::Unreachable { .. }
        );
        silent || self.is_of_a_proxy()
    }

    /// Whether the request was refused before anything was done: the backend does not know the session.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        matches!(self, Self::SessionLost(_))
    }

    /// Whether the connection broke, so that nobody knows what became of the request.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// The error for the caller of a backend. It names the backend and the cause, but not where the backend is: a path
    /// may hold a key.
    #[must_use]
    pub fn to_rpc(&self, backend: &str) -> RpcError {
        let code = match self {
            Self::Timeout { .. } | Self::TooLate { .. } => code::BACKEND_TIMEOUT,
            Self::Resting { .. } => code::BACKEND_RESTING,
            Self::Unsendable(_) => code::INVALID_PARAMS,
            _ => code::BACKEND_UNAVAILABLE,
        };
        RpcError::new(code, format!("backend `{backend}`: {}", self.for_callers()))
    }

    /// What went wrong, without saying where the backend is.
    pub(crate) fn for_callers(&self) -> String {
        match self {
            Self::Unreachable { cause, .. } => format!("cannot be reached: {cause}"),
            Self::Status { status, hint, .. } => format!("answered {status}{hint}"),
            Self::SessionLost(_) => "the session with it is gone; try again".to_owned(),
            Self::Redirect { .. } => "it redirects to another origin".to_owned(),
            Self::ForeignEndpoint { .. } => "it wants messages at another origin".to_owned(),
            other => other.to_string(),
        }
    }
}
