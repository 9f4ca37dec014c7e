//! `GET /manage/v1/docs`: the OpenAPI document as a page to browse and to try operations out. All that it needs is in the
//! program: [Swagger UI](https://github.com/swagger-api/swagger-ui), and the two files beside this one.

use std::sync::Arc;

use argus_api::ErrorBody;
use axum::Extension;
use axum::extract::{OriginalUri, Path};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use http::{HeaderName, HeaderValue};
use utoipa_swagger_ui::Config;

use super::error::{Error, not_found};
use super::openapi::{self, Document};

const PAGE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");
/// The page runs its own scripts, asks this gateway, and nothing else. Swagger UI has pictures in its style sheet.
const POLICY: (HeaderName, HeaderValue) = (
    CONTENT_SECURITY_POLICY,
    HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
);

/// This API as a page to browse, which needs no other server.
///
/// The page holds no data of the gateway: where a token is configured everybody gets it, and enters the token under
/// "Authorize" to try operations out. Without a token only this machine is answered.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "service",
    security(()),
    responses(
        (status = OK, description = "A page for browsers.", body = String, content_type = "text/html"),
        (status = FORBIDDEN, body = ErrorBody)
    )
)]
pub(super) async fn page() -> Response {
    ([POLICY], Html(PAGE)).into_response()
}

/// What the page needs lies beside it, and so does the page itself for who writes a slash at its end.
pub(super) async fn slash() -> Redirect {
    Redirect::permanent("../docs")
}

/// A file of the page.
pub(super) async fn file(
    Path(name): Path<String>,
    document: Extension<Document>,
    uri: OriginalUri,
) -> Result<Response, Error> {
    match name.as_str() {
        "openapi.json" => Ok(openapi::show(document).await),
        "page.js" => Ok(([(CONTENT_TYPE, "text/javascript")], SCRIPT).into_response()),
        "swagger-ui.css" | "swagger-ui-bundle.js" => match embedded(&name) {
            Some(file) => Ok(file),
            None => Err(not_found(uri).await),
        },
        _ => Err(not_found(uri).await),
    }
}

/// A file of Swagger UI. It is kept compressed, and every browser takes it so.
fn embedded(name: &str) -> Option<Response> {
    let file = utoipa_swagger_ui::serve(name, Arc::new(Config::default())).ok()??;
    let mut response = ([(CONTENT_TYPE, file.content_type)], file.bytes.into_owned()).into_response();
    if file.gzpipped {
        let headers = response.headers_mut();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Some(response)
}
