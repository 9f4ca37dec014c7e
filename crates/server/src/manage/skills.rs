//! `GET /manage/v1/skills` and what switches them. There are no skills yet.

use argus_api::ErrorBody;

use super::error::Error;

/// Lists skills.
///
/// This version has none, and answers with 503.
#[utoipa::path(
    get,
    path = "/skills",
    tag = "skills",
    responses(
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody, description = "There is no skill manager.")
    )
)]
pub(super) async fn list() -> Error {
    Error::NoSkills
}

/// Switches a skill on.
///
/// This version has none, and answers with 503.
#[utoipa::path(
    post,
    path = "/skills/{name}/enable",
    tag = "skills",
    params(("name" = String, Path, description = "The name of the skill.")),
    responses(
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody, description = "There is no skill manager.")
    )
)]
pub(super) async fn enable() -> Error {
    Error::NoSkills
}

/// Switches a skill off.
///
/// This version has none, and answers with 503.
#[utoipa::path(
    post,
    path = "/skills/{name}/disable",
    tag = "skills",
    params(("name" = String, Path, description = "The name of the skill.")),
    responses(
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody, description = "There is no skill manager.")
    )
)]
pub(super) async fn disable() -> Error {
    Error::NoSkills
}
