//! `GET /mcp`: the stream on which a legacy session hears what belongs to no request, or another one that is resumed.

use std::sync::Arc;

use argus_gateway::{Caller, EventId, Session};
use argus_protocol::{ByteString, sse};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, StatusCode};

use super::accepts::Accepts;
use super::answer::JsonAnswer;
use super::{FACE, answer, legacy, respond, resume};
use crate::app::App;
use crate::request_log::{self, Outcome, RequestLog};

pub(crate) fn handle(app: &App, headers: &HeaderMap, caller: Caller) -> Response {
    if !Accepts::of(headers).stream {
        return answer::refused(StatusCode::NOT_ACCEPTABLE, "Accept must name text/event-stream").into_response();
    }
    stream(app, headers, caller).unwrap_or_else(IntoResponse::into_response)
}

fn stream(app: &App, headers: &HeaderMap, caller: Caller) -> Result<Response, JsonAnswer> {
    let session = legacy::session_of(app, headers, caller, None)?;
    match resume::last_event(headers)? {
        Some(last) if !last.is_of_feed() => resume::go_on(&session, last),
        last => Ok(request_log::written(respond::events(feed(app, session, last)?))),
    }
}

/// What waits for the session, until it ends, the gateway stops, or another GET takes over.
fn feed(
    app: &App,
    session: Arc<Session>,
    last: Option<EventId>,
) -> Result<impl Stream<Item = Bytes> + Send + 'static, JsonAnswer> {
    let stopping = app.gateway.stopping().clone();
    let mut reader = session.feed_reader(last).map_err(resume::refusal)?;
    let in_use = session.reading();
    let priming = resume::priming(&session, reader.position());
    let mut log = RequestLog::begin(FACE, &ByteString::from_static("GET"));
    Ok(async_stream::stream! {
        let _in_use = in_use;
        if let Some(priming) = priming {
            yield priming;
        }
        loop {
            let next = tokio::select! {
                next = reader.next() => next,
                () = session.over().cancelled() => None,
                () = stopping.cancelled() => None,
            };
            match next {
                None => {
                    log.end(Outcome::Ended);
                    return;
                }
                Some((Some(id), message)) => yield sse::message_with_id(&id.to_string(), &message),
                Some((None, message)) => yield sse::message(&message),
            }
        }
    })
}
