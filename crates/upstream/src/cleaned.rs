//! Errors without configured secrets: a backend may repeat what it was given, and errors reach clients.

use argus_protocol::{RpcError, error};

use crate::LinkError;
use crate::redact::Redactor;

/// The code of an error that names none.
const UNKNOWN: i64 = argus_protocol::code::INTERNAL_ERROR;

impl LinkError {
    /// The same error, without secrets in what the peer, or a library, said.
    #[must_use]
    pub(crate) fn cleaned(self, redactor: &Redactor) -> Self {
        let clean = |text: String| redactor.clean(&text).into_owned();
        match self {
            Self::Spawn(text) => Self::Spawn(clean(text)),
            Self::Closed(text) => Self::Closed(clean(text)),
            Self::Protocol(text) => Self::Protocol(clean(text)),
            Self::Unsendable(text) => Self::Unsendable(clean(text)),
            Self::SessionLost(url) => Self::SessionLost(clean(url)),
            Self::Unreachable { url, cause } => Self::Unreachable {
                url: clean(url),
                cause: clean(cause),
            },
            Self::Status { url, status, hint } => Self::Status {
                url: clean(url),
                status,
                hint,
            },
            Self::Redirect { from, to } => Self::Redirect {
                from: clean(from),
                to: clean(to),
            },
            Self::ForeignEndpoint { to } => Self::ForeignEndpoint { to: clean(to) },
            Self::Refused { method, error } => {
                let message = error::message_of(&error).unwrap_or_default();
                let (told, whole) = (redactor.clean(&message), redactor.clean(error.as_str()));
                if told == message && whole == error.as_str() {
                    return Self::Refused { method, error };
                }
                // What else it holds is left out: nobody needs it as much as that no secret is in it.
                let code = error::code_of(&error).unwrap_or(UNKNOWN);
                let error = RpcError::new(code, told).to_raw();
                Self::Refused { method, error }
            }
            said @ (Self::Timeout { .. }
            | Self::TooLate { .. }
            | Self::Retired
            | Self::Busy { .. }
            | Self::Resting { .. }
            | Self::Era(_)) => said,
        }
    }
}

#[cfg(test)]
mod tests {
    use argus_protocol::Raw;

    use super::*;

    fn refused(error: &str) -> LinkError {
        LinkError::Refused {
            method: "initialize",
            error: Raw::parse(error).unwrap(),
        }
    }

    #[test]
    fn nothing_of_an_error_names_a_secret() {
        let redactor = Redactor::of(std::iter::once("s3cret-key".into()));
        let all = [
            refused(r#"{"code":-32001,"message":"invalid api key s3cret-key"}"#),
            refused(r#"{"code":-32001,"message":"invalid api key \u00733cret-key"}"#),
            refused(r#"{"code":-32001,"message":"no","data":{"key":"s3cret-key"}}"#),
            LinkError::Closed("it said: s3cret-key".to_owned()),
            LinkError::Protocol("s3cret-key".to_owned()),
            LinkError::Unreachable {
                url: "http://x/s3cret-key".to_owned(),
                cause: "s3cret-key".to_owned(),
            },
        ];
        for error in all {
            let code = error.refusal_code();
            let cleaned = error.cleaned(&redactor);
            assert_eq!(cleaned.refusal_code(), code);
            assert!(!format!("{cleaned:?} {cleaned}").contains("s3cret"), "{cleaned:?}");
            assert!(!cleaned.to_rpc("b").message.contains("s3cret"), "{cleaned:?}");
        }
    }

    #[test]
    fn an_error_without_a_secret_stays_as_it_is() {
        let redactor = Redactor::of(std::iter::once("s3cret-key".into()));
        let text = r#"{"code":-32004,"message":"no","data":{"supported":["2025-11-25"]}}"#;
        let LinkError::Refused { error, .. } = refused(text).cleaned(&redactor) else {
            panic!("it is another error");
        };
        assert_eq!(error.as_str(), text);
    }
}
