//! `GET /manage/v1/registry/search`. There are no registries yet.

use argus_api::ErrorBody;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::Error;

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Search {
    /// Letters, digits, spaces and `-_./*`.
    #[param(pattern = "^[A-Za-z0-9 _./*-]*[A-Za-z0-9_./*-][A-Za-z0-9 _./*-]*$")]
    q: String,
    /// How many results at most.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// Only in this registry.
    #[allow(dead_code, reason = "no registry has a name yet")]
    registry: Option<String>,
}

/// Searches registries of MCP servers.
///
/// No registry can be configured yet: a search that is well-formed is answered with 404.
#[utoipa::path(
    get,
    path = "/registry/search",
    tag = "registry",
    params(Search),
    responses(
        (status = BAD_REQUEST, body = ErrorBody, description = "`q` is missing or malformed."),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody, description = "No registries are configured.")
    )
)]
pub(super) async fn search(search: Result<Query<Search>, QueryRejection>) -> Error {
    match search {
        Err(rejection) => rejection.into(),
        Ok(Query(Search { q, .. })) if !is_plain(&q) => Error::Parameter("q", "letters, digits, spaces and -_./*"),
        Ok(Query(Search {
            limit: Some(0 | 101..), ..
        })) => Error::Parameter("limit", "a number from 1 to 100"),
        Ok(_) => Error::NoRegistries,
    }
}

fn is_plain(query: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || " -_./*".contains(letter);
    !query.trim().is_empty() && query.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_plain() {
        assert!(is_plain("brave search") && is_plain("@x".trim_start_matches('@')) && is_plain("a-b_c.d/e*"));
        for odd in ["", "  ", "a&b", "a\nb", "\u{e9}", "<x>"] {
            assert!(!is_plain(odd), "{odd:?}");
        }
    }
}
