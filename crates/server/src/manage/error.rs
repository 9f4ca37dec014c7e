//! Errors as the API answers them; nowhere else is one made.

use argus_api::{ErrorBody, ErrorName};
use argus_gateway::SteerError;
use argus_protocol::object::ObjectError;
use argus_protocol::shown;
use axum::Json;
use axum::extract::OriginalUri;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Method, StatusCode};
use serde_json::Value;

use crate::body::BodyError;

use crate::reload::Disabled;

/// Why a request is not answered as it wants.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The query is malformed.
    #[error("the query cannot be read: {0}")]
    Query(#[from] QueryRejection),
    /// The path is malformed.
    #[error("the path cannot be read: {0}")]
    Path(#[from] PathRejection),
    /// A parameter of the query is not what it must be.
    #[error("`{0}` must be {1}")]
    Parameter(&'static str, &'static str),
    /// The body is not what it must be; says where.
    #[error("the body cannot be read: {0}")]
    Body(#[from] serde_json::Error),
    /// The body nests too deep.
    #[error("the body cannot be read: it nests deeper than {0} levels")]
    TooDeep(usize),
    /// The body is no text.
    #[error("the body cannot be read: it is not UTF-8 text")]
    NoText,
    /// The body is no object.
    #[error("the body cannot be read: expected a JSON object at line 1 column 1")]
    NoObject,
    /// The arguments are no object.
    #[error("`arguments` cannot be read: {0}")]
    Arguments(ObjectError),
    /// A time limit out of bounds.
    #[error("`timeout_seconds` must be a number from 1 to {0}")]
    Timeout(u64),
    /// The body cannot be had.
    #[error(transparent)]
    Unread(#[from] BodyError),
    /// No token, or a wrong one.
    #[error(
        "a bearer token is needed: send `Authorization: Bearer TOKEN` with the token of server.management.token or ARGUS_MGMT_TOKEN"
    )]
    Unauthorized,
    /// There is no token, and the caller is not on this machine.
    #[error(
        "without a token the management API answers only this machine, and no proxy: set server.management.token or ARGUS_MGMT_TOKEN"
    )]
    NotLocal,
    /// A web page is behind it.
    #[error("{0}")]
    Foreign(&'static str),
    /// Nothing has this name.
    #[error("no {0} is called `{name}` here; {prefix}/capabilities lists what there is", name = shown(.1), prefix = super::PREFIX)]
    Unknown(&'static str, String),
    /// No backend has this name.
    #[error("no backend is called `{name}`; {prefix}/backends lists them", name = shown(.0), prefix = super::PREFIX)]
    NoBackend(String),
    /// The backend answers a call with an error.
    #[error("{message}")]
    Failed {
        /// What it says.
        message: String,
        /// The whole error.
        details: Option<Value>,
    },
    /// The backend of a call cannot be reached.
    #[error("{0}")]
    Away(String),
    /// The backend does not answer a call in time.
    #[error("{0}")]
    TooLate(String),
    /// There are no registries.
    #[error("no registries configured; this version searches none")]
    NoRegistries,
    /// There are no skills.
    #[error("the skill manager is not initialized; this version has no skills")]
    NoSkills,
    /// Nothing is there.
    #[error("nothing is at {0}; {prefix}/openapi.json lists what there is", prefix = super::PREFIX)]
    NoPath(String),
    /// It cannot be done to a backend as it is.
    #[error(transparent)]
    Steer(SteerError),
    /// A reload is asked for that is switched off.
    #[error(transparent)]
    NoReload(#[from] Disabled),
    /// As many streams of events and logs are open as may be.
    #[error("{0} streams of events and logs are open (server.management.max_event_streams); close some and try again")]
    TooManyStreams(usize),
    /// No configuration has so many bytes.
    #[error("the configuration is larger than {0} bytes, which is more than any may have")]
    LongConfig(usize),
    /// The path is not for this method.
    #[error("{0} is not for {1}; the `Allow` header names the methods that it is for")]
    Method(String, Method),
}

impl Error {
    /// A backend whose answer is none.
    pub(super) fn no_answer(backend: &str) -> Self {
        Self::Failed {
            message: format!("backend `{backend}` gives no answer that can be read"),
            details: None,
        }
    }

    /// Whether a call was made, and what became of it is in the log.
    pub(super) fn is_of_a_call(&self) -> bool {
        matches!(
            self,
            Self::Unknown(..) | Self::Failed { .. } | Self::Away(_) | Self::TooLate(_)
        )
    }

    fn name(&self) -> (StatusCode, ErrorName) {
        match self {
            Self::Query(_)
            | Self::Path(_)
            | Self::Parameter(..)
            | Self::Body(_)
            | Self::TooDeep(_)
            | Self::NoText
            | Self::NoObject
            | Self::Arguments(_)
            | Self::Timeout(_)
            | Self::Unread(BodyError::Broken) => (StatusCode::BAD_REQUEST, ErrorName::BadRequest),
            Self::Unread(BodyError::TooSlow) => (StatusCode::REQUEST_TIMEOUT, ErrorName::RequestTimeout),
            Self::Unread(BodyError::TooLarge(_)) | Self::LongConfig(_) => {
                (StatusCode::PAYLOAD_TOO_LARGE, ErrorName::PayloadTooLarge)
            }
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, ErrorName::Unauthorized),
            Self::NotLocal | Self::Foreign(_) => (StatusCode::FORBIDDEN, ErrorName::Forbidden),
            Self::NoPath(_) | Self::Unknown(..) | Self::NoBackend(_) | Self::NoRegistries => {
                (StatusCode::NOT_FOUND, ErrorName::NotFound)
            }
            Self::Failed { .. } => (StatusCode::BAD_GATEWAY, ErrorName::CallFailed),
            Self::Away(_) => (StatusCode::SERVICE_UNAVAILABLE, ErrorName::BackendUnavailable),
            Self::TooLate(_) => (StatusCode::GATEWAY_TIMEOUT, ErrorName::BackendTimeout),
            Self::NoSkills => (StatusCode::SERVICE_UNAVAILABLE, ErrorName::ServiceUnavailable),
            Self::NoReload(_) | Self::Steer(_) => (StatusCode::CONFLICT, ErrorName::Conflict),
            Self::TooManyStreams(_) => (StatusCode::SERVICE_UNAVAILABLE, ErrorName::ServiceUnavailable),
            Self::Method(..) => (StatusCode::METHOD_NOT_ALLOWED, ErrorName::MethodNotAllowed),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, error) = self.name();
        let body = ErrorBody {
            error,
            message: self.to_string(),
            details: match self {
                Self::Failed { details, .. } => details,
                _ => None,
            },
        };
        let mut response = (status, Json(body)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6750 section 3.
            let headers = response.headers_mut();
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

pub(super) async fn not_found(OriginalUri(uri): OriginalUri) -> Error {
    Error::NoPath(uri.path().to_owned())
}

pub(super) async fn method_not_allowed(method: Method, OriginalUri(uri): OriginalUri) -> Error {
    Error::Method(uri.path().to_owned(), method)
}
