//! `GET /manage/v1/openapi.json`: this API, as OpenAPI 3.1 describes it. Made from the operations themselves.

use argus_api::ErrorBody;
use axum::Extension;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, RefOr, Schema, SecurityRequirement, Server,
};

/// The name of the scheme in the document.
const BEARER: &str = "bearer";

/// The document as it is sent. (As it is built it takes far more memory.)
#[derive(Debug, Clone)]
pub(super) struct Document(Bytes);

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
pub(super) async fn show(Extension(Document(text)): Extension<Document>) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
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

/// Describes what streams send: one server-sent event. What an operation names as its body is the JSON in `data`.
fn describe_streams(document: &mut OpenApi) {
    let operations = document.paths.paths.values_mut().filter_map(|item| item.get.as_mut());
    for response in operations.flat_map(|operation| operation.responses.responses.values_mut()) {
        let RefOr::T(response) = response else { continue };
        if let Some(RefOr::T(content)) = response.content.get_mut("text/event-stream") {
            content.schema = Some(server_sent(content.schema.take()).into());
        }
    }
}

/// A server-sent event with such data.
fn server_sent(data: Option<RefOr<Schema>>) -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let json = match data {
        Some(shape @ RefOr::Ref(_)) => text().content_schema(Some(shape)),
        _ => text(),
    };
    ObjectBuilder::new()
        .property("id", text())
        .property("data", json.content_media_type("application/json"))
        .required("id")
        .required("data")
        .into()
}

/// The document with what is said of all operations. Where a token is needed, nothing else will do.
#[expect(
    clippy::expect_used,
    reason = "all keys in it are texts, and memory takes what is written"
)]
pub(super) fn finished(document: OpenApi, token: bool) -> Document {
    let text = serde_json::to_vec(&complete(document, token));
    Document(text.expect("an OpenAPI document is JSON").into())
}

fn complete(mut document: OpenApi, token: bool) -> OpenApi {
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
    describe_streams(&mut document);
    document.servers = Some(vec![Server::new(super::PREFIX)]);
    let bearer = SecurityScheme::Http(
        HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("Where a token is configured; else only this machine is answered."))
            .build(),
    );
    let components = ComponentsBuilder::from(document.components.take().unwrap_or_default());
    document.components = Some(components.security_scheme(BEARER, bearer).build());
    let mut security = vec![SecurityRequirement::new(BEARER, Vec::<String>::new())];
    if !token {
        security.push(SecurityRequirement::default());
    }
    document.security = Some(security);
    document
}
