//! The body of every answer that is an error.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// A name that stays the same, for programs.
    pub error: ErrorName,
    /// What went wrong and what to do, for people.
    pub message: String,
    /// More, where there is more.
    pub details: Option<serde_json::Value>,
}

/// The names of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorName {
    /// 400: the request is malformed.
    BadRequest,
    /// 401: no token, or a wrong one.
    Unauthorized,
    /// 403: without a token only this machine is answered.
    Forbidden,
    /// 404: nothing is at this path.
    NotFound,
    /// 405: this path is not for this method.
    MethodNotAllowed,
    /// 408: the body did not arrive in time.
    RequestTimeout,
    /// 409: it cannot be done as the gateway is configured.
    Conflict,
    /// 413: the body is too large.
    PayloadTooLarge,
    /// 502: the backend answered a call with an error.
    CallFailed,
    /// 503: the backend of a call cannot be reached.
    BackendUnavailable,
    /// 504: the backend did not answer a call in time.
    BackendTimeout,
    /// 503: this gateway does not have what was asked for.
    ServiceUnavailable,
}
