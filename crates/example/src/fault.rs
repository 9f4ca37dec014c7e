//! What can be wrong with a request, and the JSON-RPC error it becomes. The only place where error codes are chosen
//! for requests that could be read.

use argus_protocol::{code, version};
use serde_json::{Value, json};
use thiserror::Error;
use version::Era;

use crate::ask::Ability;

/// A request that is answered with a protocol error.
#[derive(Debug, Clone, PartialEq, Error)]
pub(crate) enum Fault {
    /// The request does not belong here or now.
    #[error("{0}")]
    InvalidRequest(String),
    /// The method does not exist in this era, or this server does not offer it.
    #[error("method not found: {0}")]
    MethodNotFound(String),
    /// A parameter is missing, of the wrong type, or names something unknown.
    #[error("{0}")]
    InvalidParams(String),
    /// No resource has this URI.
    #[error("resource not found: {0}")]
    ResourceNotFound(String),
    /// The request needs something the client did not declare (modern era).
    #[error("this needs the client capability `{}`, which the request did not declare", .0.name())]
    MissingCapability(Ability),
    /// The named protocol version is not spoken on this connection.
    #[error("unsupported protocol version; this connection speaks {}", version::MODERN)]
    UnsupportedVersion(Value),
}

impl Fault {
    /// The JSON-RPC error object of this fault.
    pub(crate) fn to_error(&self, era: Era) -> Value {
        let mut error = json!({ "code": self.code(era), "message": self.to_string() });
        if let Some(data) = self.data() {
            error["data"] = data;
        }
        error
    }

    fn code(&self, era: Era) -> i64 {
        match self {
            Self::InvalidRequest(_) => code::INVALID_REQUEST,
            Self::MethodNotFound(_) => code::METHOD_NOT_FOUND,
            Self::InvalidParams(_) => code::INVALID_PARAMS,
            Self::ResourceNotFound(_) if era == Era::Legacy => code::RESOURCE_NOT_FOUND,
            Self::ResourceNotFound(_) => code::INVALID_PARAMS,
            Self::MissingCapability(_) => code::MISSING_CLIENT_CAPABILITY,
            Self::UnsupportedVersion(_) => code::UNSUPPORTED_VERSION,
        }
    }

    fn data(&self) -> Option<Value> {
        match self {
            Self::ResourceNotFound(uri) => Some(json!({ "uri": uri })),
            Self::MissingCapability(ability) => Some(json!({ "requiredCapabilities": ability.to_capabilities() })),
            Self::UnsupportedVersion(requested) => {
                Some(json!({ "supported": [version::MODERN], "requested": requested }))
            }
            Self::InvalidRequest(_) | Self::MethodNotFound(_) | Self::InvalidParams(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_resource_has_a_code_of_its_own_in_the_legacy_era_only() {
        let fault = Fault::ResourceNotFound("note://x".into());
        assert_eq!(fault.to_error(Era::Legacy)["code"], -32002);
        assert_eq!(
            fault.to_error(Era::Modern),
            json!({"code": -32602, "message": "resource not found: note://x", "data": {"uri": "note://x"}})
        );
    }

    #[test]
    fn a_missing_capability_says_what_to_declare() {
        let error = Fault::MissingCapability(Ability::Elicitation).to_error(Era::Modern);
        assert_eq!(error["code"], -32021);
        assert_eq!(
            error["data"],
            json!({"requiredCapabilities": {"elicitation": {"form": {}}}})
        );
    }
}
