//! `GET /mcp`: the stream on which a legacy session hears what belongs to no request.

use std::sync::Arc;

use argus_gateway::{FeedItem, Session};
use argus_protocol::{ByteString, Id, write};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, StatusCode};

use super::accepts::Accepts;
use super::{FACE, answer, legacy, respond};
use crate::app::App;
use crate::request_log::{self, Outcome, RequestLog};

pub(crate) fn handle(app: &App, headers: &HeaderMap) -> Response {
    if !Accepts::of(headers).stream {
        return answer::refused(StatusCode::NOT_ACCEPTABLE, "Accept must name text/event-stream").into_response();
    }
    match legacy::session_of(app, headers, None) {
        Ok(session) => request_log::written(respond::event_stream(feed(app, session))),
        Err(refusal) => refusal.into_response(),
    }
}

/// What waits for the session, until it ends, the gateway stops, or another GET takes over.
fn feed(app: &App, session: Arc<Session>) -> impl Stream<Item = Bytes> + Send + 'static {
    let stopping = app.gateway.stopping().clone();
    let reader = session.feed().take_over();
    let in_use = session.reading();
    let mut log = RequestLog::begin(FACE, &ByteString::from_static("GET"));
    async_stream::stream! {
        let _in_use = in_use;
        loop {
            let item = tokio::select! {
                item = session.feed().next(reader) => item,
                () = session.over().cancelled() => None,
                () = stopping.cancelled() => None,
            };
            match item {
                None => {
                    log.end(Outcome::Ended);
                    return;
                }
                Some(FeedItem::Notification { method, params }) => yield write::notification(&method, params.as_ref()),
                Some(FeedItem::Ask(ask)) => {
                    if let Some((number, params)) = session.ask(ask.params, ask.reply) {
                        yield write::request(&Id::number(number), &ask.method, params.as_ref());
                    }
                }
            }
        }
    }
}
