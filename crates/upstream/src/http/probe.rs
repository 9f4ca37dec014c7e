//! Finding out whether a URL speaks the modern era (protocol notes: `server/discover` without a session).

use argus_protocol::{Answer, Era, Frame, Id, Media, Message, Object, code, header, method, sse, version, write};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;

use super::Received;
use super::endpoint::{Endpoint, collect, status_error, with_version};
use super::exchange::MAX_EVENT;
use crate::{LinkError, Outgoing};

/// What the probe found.
#[derive(Debug)]
pub(crate) enum Probe {
    /// A modern server.
    Modern,
    /// A modern server that speaks other revisions only; its error.
    OtherVersion(argus_protocol::Raw),
    /// Not a modern server: try `initialize`.
    NotModern,
}

/// Asks `server/discover`.
///
/// # Errors
/// When the URL cannot be reached, wants credentials, or fails: none of these is a verdict.
pub(crate) async fn probe(endpoint: &Endpoint) -> Result<Probe, LinkError> {
    let id = Id::number(1);
    let (params, _) = Outgoing::own(method::DISCOVER, None)
        .prepare(Era::Modern, &id)
        .map_err(|error| LinkError::Protocol(error.to_string()))?;
    let mut headers = HeaderMap::new();
    with_version(&mut headers, version::MODERN);
    headers.insert(header::METHOD, HeaderValue::from_static(method::DISCOVER));
    let response = endpoint
        .post(&headers, write::request(&id, method::DISCOVER, params.as_ref()))
        .await?;
    let status = response.status();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || status.is_server_error() {
        return Err(status_error(&endpoint.url, status));
    }
    if let Some(session) = response.headers().get(header::SESSION_ID).cloned() {
        drop_session(endpoint, session).await;
    }
    Ok(match first_answer(response).await {
        Some(Answer::Result(result)) if is_discover_result(&result) => Probe::Modern,
        Some(Answer::Error(error)) if is_modern_refusal(&error) => Probe::OtherVersion(error),
        _ => Probe::NotModern,
    })
}

fn is_discover_result(result: &argus_protocol::Raw) -> bool {
    Object::parse(result).is_ok_and(|read| read.get("supportedVersions").is_some())
}

fn is_modern_refusal(error: &argus_protocol::Raw) -> bool {
    matches!(
        argus_protocol::error::code_of(error),
        Some(code::HEADER_MISMATCH | code::MISSING_CLIENT_CAPABILITY | code::UNSUPPORTED_VERSION)
    )
}

/// A legacy server may mint a session for the probe; it would otherwise stay.
async fn drop_session(endpoint: &Endpoint, session: HeaderValue) {
    let mut headers = HeaderMap::new();
    headers.insert(header::SESSION_ID, session);
    let _ = endpoint.delete(&headers).await;
}

async fn first_answer(response: Response<Received>) -> Option<Answer> {
    match Media::of(response.headers()) {
        Media::Json => answer_in(collect(response.into_body()).await.ok()?),
        Media::Stream => first_streamed(response).await,
        Media::Other => None,
    }
}

async fn first_streamed(mut response: Response<Received>) -> Option<Answer> {
    let mut decoder = sse::Decoder::new(MAX_EVENT);
    let mut found = None;
    while let Some(Ok(frame)) = response.body_mut().frame().await {
        let Ok(chunk) = frame.into_data() else { continue };
        let fed = decoder.feed(&chunk, |event| found = found.take().or_else(|| answer_in(event.data)));
        if fed.is_err() || found.is_some() {
            break;
        }
    }
    found
}

fn answer_in(body: Bytes) -> Option<Answer> {
    match Frame::parse(body).ok()? {
        Frame::One(Message::Response { answer, .. }) => Some(answer),
        _ => None,
    }
}
