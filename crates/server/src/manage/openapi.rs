//! `GET /manage/v1/openapi.json`: this API, as OpenAPI 3.1 describes it. Made from the operations themselves.

use std::sync::OnceLock;

use argus_api::ErrorBody;
use axum::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, SecurityRequirement, Server};

/// The name of the scheme in the document.
const BEARER: &str = "bearer";

/// This document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "service",
    responses(
        (status = OK, description = "An OpenAPI 3.1 document.", body = Object, content_type = "application/json"),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody)
    )
)]
pub(super) async fn show() -> Json<&'static OpenApi> {
    static DOCUMENT: OnceLock<OpenApi> = OnceLock::new();
    Json(DOCUMENT.get_or_init(|| super::operations().2))
}

/// Gives each operation an id of its own, such as `post_tools_call` (OpenAPI 3.1 "Operation Object").
fn name_operations(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let parts = path.split(|letter: char| !letter.is_ascii_alphanumeric());
        let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
        let name = parts.join("_");
        let operations = [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("patch", &mut item.patch),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{name}"));
            }
        }
    }
}

/// The document with what is said of all operations.
pub(super) fn finished(mut document: OpenApi) -> OpenApi {
    let license = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"))
        .build();
    document.info = InfoBuilder::new()
        .title("Argus MCP management API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("See and steer a running gateway."))
        .license(Some(license))
        .build();
    name_operations(&mut document);
    document.servers = Some(vec![Server::new(super::PREFIX)]);
    let bearer = SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("Where a token is configured; else only this machine is answered."))
            .build(),
    );
    let components = ComponentsBuilder::from(document.components.take().unwrap_or_default());
    document.components = Some(components.security_scheme(BEARER, bearer).build());
    document.security = Some(vec![
        SecurityRequirement::new(BEARER, Vec::<String>::new()),
        SecurityRequirement::default(),
    ]);
    document
}
