//! What the document says of calls that are not answered.

use argus_api::ErrorBody;
use utoipa::IntoResponses;

/// The errors of `tools/call`, `prompts/get` and `resources/read`.
#[derive(IntoResponses)]
#[expect(
    dead_code,
    reason = "it is written into the document; the answers are made by `Error`"
)]
pub(super) enum CallErrors {
    /// The body is malformed.
    #[response(status = BAD_REQUEST)]
    Malformed(ErrorBody),
    #[response(status = UNAUTHORIZED)]
    Unauthorized(ErrorBody),
    #[response(status = FORBIDDEN)]
    Forbidden(ErrorBody),
    /// Nothing has this name.
    #[response(status = NOT_FOUND)]
    Unknown(ErrorBody),
    /// The body did not arrive in time.
    #[response(status = REQUEST_TIMEOUT)]
    Slow(ErrorBody),
    /// The body is larger than `server.max_body_bytes`.
    #[response(status = PAYLOAD_TOO_LARGE)]
    TooLarge(ErrorBody),
    /// The backend answers with an error.
    #[response(status = BAD_GATEWAY)]
    Failed(ErrorBody),
    /// The backend cannot be reached.
    #[response(status = SERVICE_UNAVAILABLE)]
    Unreachable(ErrorBody),
    /// The backend does not answer in time.
    #[response(status = GATEWAY_TIMEOUT)]
    Silent(ErrorBody),
}
