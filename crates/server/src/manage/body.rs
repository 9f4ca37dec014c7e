//! The bodies of requests: JSON, whatever their `Content-Type` says.

use argus_protocol::depth;
use axum::extract::Request;
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::error::Error;
use crate::app::App;
use crate::body;

/// How deep a body may nest: in a message of MCP the same arguments are one level deeper.
const DEPTH: usize = depth::MAX_DEPTH - 1;

/// The whole body, within `server.max_body_bytes`.
pub(super) async fn read(app: &App, request: Request) -> Result<Bytes, Error> {
    let (parts, body) = request.into_parts();
    Ok(body::read(&parts.headers, body, app.max_body).await?)
}

/// What the body says, which must be an object. (Serde reads an array of the members as well.)
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    if depth::exceeds(body, DEPTH) {
        return Err(Error::TooDeep(DEPTH));
    }
    match body.trim_ascii_start().first() {
        None | Some(b'{') => Ok(serde_json::from_slice(body)?),
        Some(_) => Err(Error::NoObject),
    }
}
