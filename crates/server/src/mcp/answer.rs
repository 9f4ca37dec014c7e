//! Answers that are one JSON-RPC message.

use argus_protocol::{Answer, FrameError, Id, RpcError, code, write};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

/// One message with an HTTP status.
#[derive(Debug)]
pub(crate) struct JsonAnswer {
    pub(crate) status: StatusCode,
    pub(crate) message: Bytes,
}

impl IntoResponse for JsonAnswer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.message));
        *response.status_mut() = self.status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

/// An error.
pub(crate) fn error(status: StatusCode, id: Option<&Id>, error: &RpcError) -> JsonAnswer {
    JsonAnswer {
        status,
        message: write::response(id, &Answer::Error(error.to_raw())),
    }
}

/// A request that is refused before its message is read.
pub(crate) fn refused(status: StatusCode, why: impl Into<String>) -> JsonAnswer {
    error(status, None, &RpcError::new(code::INVALID_REQUEST, why))
}

/// A body that is no message (JSON-RPC 2.0 section 5.1).
pub(crate) fn unreadable(problem: &FrameError) -> JsonAnswer {
    JsonAnswer {
        status: StatusCode::BAD_REQUEST,
        message: write::unreadable(problem),
    }
}

/// The HTTP status of a modern answer (MCP 2026-07-28 "Error codes"), also where the backend is a process.
pub(crate) fn modern_status(answer: &Answer) -> StatusCode {
    let Answer::Error(error) = answer else {
        return StatusCode::OK;
    };
    match argus_protocol::error::code_of(error) {
        Some(code::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        Some(code::HEADER_MISMATCH | code::MISSING_CLIENT_CAPABILITY | code::UNSUPPORTED_VERSION) => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::OK,
    }
}
