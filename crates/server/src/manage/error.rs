//! Errors as the API answers them; nowhere else is one made.

use argus_api::{ErrorBody, ErrorName};
use axum::Json;
use axum::extract::OriginalUri;
use axum::extract::rejection::QueryRejection;
use axum::response::{IntoResponse, Response};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Method, StatusCode};

/// Why a request is not answered as it wants.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The query is malformed.
    #[error("the query cannot be read: {0}")]
    Query(#[from] QueryRejection),
    /// A parameter of the query is not what it must be.
    #[error("`{0}` must be {1}")]
    Parameter(&'static str, &'static str),
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
    /// Nothing is there.
    #[error("nothing is at {0}; {prefix}/openapi.json lists what there is", prefix = super::PREFIX)]
    NoPath(String),
    /// As many streams of events are open as may be.
    #[error("{0} streams of events are open (server.management.max_event_streams); close some and try again")]
    TooManyStreams(usize),
    /// The path is not for this method.
    #[error("{0} is not for {1}")]
    Method(String, Method),
}

impl Error {
    fn name(&self) -> (StatusCode, ErrorName) {
        match self {
            Self::Query(_) | Self::Parameter(..) => (StatusCode::BAD_REQUEST, ErrorName::BadRequest),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, ErrorName::Unauthorized),
            Self::NotLocal | Self::Foreign(_) => (StatusCode::FORBIDDEN, ErrorName::Forbidden),
            Self::NoPath(_) => (StatusCode::NOT_FOUND, ErrorName::NotFound),
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
            details: None,
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
