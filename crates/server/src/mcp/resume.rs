//! Streams of answers that a client can come back to (MCP 2025-11-25 "Resumability and redelivery").

use std::sync::Arc;

use argus_gateway::{EventId, ResumeError, Saying, Session, StreamReader};
use argus_protocol::{ByteString, RpcError, code, header, sse, version};
use axum::response::Response;
use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, StatusCode};

use super::answer::{self, JsonAnswer};
use super::{FACE, respond};
use crate::request_log::{Outcome, RequestLog};

/// How long a client may wait before it comes back, in milliseconds.
const RETRY: u64 = 1000;

/// Opens the stream of an answer.
pub(crate) fn begin(session: &Arc<Session>, saying: Saying) -> Response {
    let reader = session.stream(saying);
    let priming = priming(session, reader.position());
    respond::events(events(priming, reader, None))
}

/// Goes on with the stream of an answer.
pub(crate) fn go_on(session: &Arc<Session>, last: EventId) -> Result<Response, JsonAnswer> {
    let reader = session.resume(last).map_err(refusal)?;
    let log = RequestLog::begin(FACE, &ByteString::from_static("GET"));
    Ok(respond::events(events(None, reader, Some(log))))
}

/// The event that a client saw last, if it names one.
pub(crate) fn last_event(headers: &HeaderMap) -> Result<Option<EventId>, JsonAnswer> {
    let Some(named) = headers.get(header::LAST_EVENT_ID) else {
        return Ok(None);
    };
    let named = named.to_str().unwrap_or_default();
    let malformed = |error: argus_gateway::NoEventId| answer::refused(StatusCode::BAD_REQUEST, error.to_string());
    named.parse().map(Some).map_err(malformed)
}

/// What a stream begins with: the id to come back to before anything was said. Clients of older revisions take an event
/// without data for a broken message.
pub(crate) fn priming(session: &Session, position: EventId) -> Option<Bytes> {
    (session.version() == version::NEWEST_LEGACY).then(|| sse::priming(&position.to_string(), RETRY))
}

/// A stream that is gone is 410, for 404 says that the session is.
pub(crate) fn refusal(error: ResumeError) -> JsonAnswer {
    let status = match error {
        ResumeError::Gone => StatusCode::GONE,
        ResumeError::NeverSent => StatusCode::BAD_REQUEST,
    };
    answer::error(status, None, &RpcError::new(code::INVALID_REQUEST, error.to_string()))
}

/// What is read, with the line of the request that reads it; a call's own line tells of the call.
fn events(
    priming: Option<Bytes>,
    mut reader: StreamReader,
    mut log: Option<RequestLog>,
) -> impl Stream<Item = Bytes> + Send + 'static {
    async_stream::stream! {
        if let Some(priming) = priming {
            yield priming;
        }
        while let Some((id, message)) = reader.next().await {
            yield sse::message_with_id(&id.to_string(), &message);
        }
        if let Some(log) = &mut log {
            log.end(Outcome::Ended);
        }
    }
}
