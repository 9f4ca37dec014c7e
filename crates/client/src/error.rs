//! Why there is no answer, and what to do.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::Address;

/// Statuses that pass.
const PASSING: [StatusCode; 4] = [
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody listens, or the way there is broken.
    #[error(
        "no gateway can be reached at {address} ({cause}): is one running there? `argus-mcp status` lists those of this \
         user; --url or ARGUS_SERVER_URL names another"
    )]
    Unreachable {
        /// Where.
        address: Address,
        /// Why not.
        cause: String,
    },
    /// The connection broke, or ended, after the request was sent: nobody knows what became of it.
    #[error("the connection to the gateway at {address} broke: {cause}")]
    Broken {
        /// Where.
        address: Address,
        /// How.
        cause: String,
    },
    /// There is no answer in time.
    #[error(
        "the gateway at {address} did not answer within {seconds} s; whether it is well is shown by `argus-mcp status`",
        seconds = .after.as_secs()
    )]
    TimedOut {
        /// Where.
        address: Address,
        /// After how long.
        after: Duration,
    },
    /// 401 without a token.
    #[error("the gateway at {address} asks for a token: put it into ARGUS_MGMT_TOKEN, or give --token")]
    NoToken {
        /// Where.
        address: Address,
        /// The whole answer as it arrived.
        text: String,
    },
    /// 401 with a token.
    #[error(
        "the gateway at {address} does not know this token: compare ARGUS_MGMT_TOKEN or --token with what the gateway was \
         started with (its ARGUS_MGMT_TOKEN, else server.management.token)"
    )]
    WrongToken {
        /// Where.
        address: Address,
        /// The whole answer as it arrived.
        text: String,
    },
    /// What answers is no gateway of this kind.
    #[error("what answers at {address} is no Argus MCP gateway, or its management API is off: {what}")]
    NotArgus {
        /// Where.
        address: Address,
        /// What it said.
        what: String,
        /// The status of HTTP, if that is why.
        status: Option<StatusCode>,
    },
    /// The gateway refuses.
    #[error("{message}")]
    Refused {
        /// The status of HTTP.
        status: StatusCode,
        /// The name of the error, which stays the same.
        name: String,
        /// What is wrong, in the gateway's words.
        message: String,
        /// More, where there is more.
        details: Option<Box<Value>>,
        /// The whole answer as it arrived.
        text: String,
    },
    /// The system's root certificates cannot be read, which https needs.
    #[error(
        "cannot read the root certificates of the system ({0}): install them (on Debian: apt-get install ca-certificates), or name a file of them in SSL_CERT_FILE"
    )]
    Roots(#[source] std::io::Error),
    /// The token cannot be sent.
    #[error("the token has characters that a header cannot have")]
    Token,
}

/// The body of an error, as far as it is needed.
#[derive(Deserialize)]
struct Body {
    error: String,
    message: Option<String>,
    details: Option<Box<Value>>,
}

impl Error {
    /// Whether no gateway answered at all.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Broken { .. } | Self::TimedOut { .. } | Self::NotArgus { .. }
        )
    }

    /// Whether the same request may be answered later. A proxy in front of a gateway that is started again says so with
    /// one of four statuses, and whatever body.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Broken { .. } | Self::TimedOut { .. } => true,
            Self::Refused { status, .. }
            | Self::NotArgus {
                status: Some(status), ..
            } => PASSING.contains(status),
            Self::NotArgus { status: None, .. }
            | Self::NoToken { .. }
            | Self::WrongToken { .. }
            | Self::Roots(_)
            | Self::Token => false,
        }
    }

    /// The whole answer as it arrived, where the gateway refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Self::NoToken { text, .. } | Self::WrongToken { text, .. } | Self::Refused { text, .. } => Some(text),
            _ => None,
        }
    }

    /// What an answer that is none says.
    pub(crate) fn of_answer(address: &Address, status: StatusCode, body: &[u8], with_token: bool) -> Self {
        let address = address.clone();
        let Ok(Body {
            error: name,
            message,
            details,
        }) = serde_json::from_slice(body)
        else {
            let what = format!("it answers with the status {status}");
            let status = Some(status);
            return Self::NotArgus { address, what, status };
        };
        let text = String::from_utf8_lossy(body).into_owned();
        match (status, with_token) {
            (StatusCode::UNAUTHORIZED, false) => Self::NoToken { address, text },
            (StatusCode::UNAUTHORIZED, true) => Self::WrongToken { address, text },
            _ => Self::Refused {
                message: message.unwrap_or_else(|| format!("the gateway answers with {status}: {name}")),
                status,
                name,
                details,
                text,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_proxy_says_of_a_gateway_that_is_away_passes() {
        let address: Address = "127.0.0.1:9000".parse().unwrap();
        let passes = |status: u16, body: &str| {
            let status = StatusCode::from_u16(status).unwrap();
            Error::of_answer(&address, status, body.as_bytes(), true).may_pass()
        };
        for body in ["", "<html>", r#"{"error":"e"}"#] {
            for status in [429, 502, 503, 504] {
                assert!(passes(status, body), "{status} {body}");
            }
            for status in [400, 401, 403, 404, 500, 501] {
                assert!(!passes(status, body), "{status} {body}");
            }
        }
    }
}
