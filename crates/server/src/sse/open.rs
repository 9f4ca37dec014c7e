//! `GET /sse`: opens a connection.

use std::sync::Arc;

use argus_gateway::{Caller, Transport};
use argus_protocol::{ByteString, sse};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderMap, StatusCode};

use super::FACE;
use super::connections::{Connections, TooMany};
use crate::app::App;
use crate::duplex::{self, Connection, Conversation, Outgoing, Reading};
use crate::mcp::accepts::Accepts;
use crate::mcp::{answer, respond};
use crate::request_log::{self, Outcome, RequestLog};

pub(super) fn handle(app: &App, headers: &HeaderMap, caller: Caller) -> Response {
    if !Accepts::of(headers).stream {
        return answer::refused(StatusCode::NOT_ACCEPTABLE, "Accept must name text/event-stream").into_response();
    }
    if !app.gateway.config().feature_flags.session_management {
        let why = "this gateway opens no sessions (feature_flags.session_management is false); use /mcp with a client of \
                   2026-07-28, or switch sessions on";
        return answer::refused(StatusCode::NOT_FOUND, why).into_response();
    }
    let Some(id) = argus_gateway::random_id() else {
        let why = "no connection id can be made, because the system gives no random numbers";
        return answer::refused(StatusCode::INTERNAL_SERVER_ERROR, why).into_response();
    };
    let endpoint = sse::endpoint(&format!("/messages/?session_id={id}"));
    match Opened::add(id, caller, app) {
        Ok(opened) => {
            let (outgoing, reading) = duplex::queue(app.connections.budget());
            // It ends when the stream does.
            tokio::spawn(opened.run(outgoing));
            request_log::written(respond::events(events(endpoint, reading)))
        }
        Err(error) => {
            let status = match error {
                TooMany::OfAll(_) => StatusCode::SERVICE_UNAVAILABLE,
                TooMany::OfCaller(_) => StatusCode::TOO_MANY_REQUESTS,
            };
            answer::refused(status, error.to_string()).into_response()
        }
    }
}

/// First where to post, then what is said.
fn events(endpoint: Bytes, reading: Reading) -> impl Stream<Item = Bytes> + Send + 'static {
    let said = futures::stream::unfold(reading, async |mut reading| Some((reading.next().await?, reading)));
    futures::stream::iter([endpoint]).chain(said)
}

/// A connection that POSTs find by its id. Dropped, it is no longer found, and then its conversation ends.
struct Opened {
    id: String,
    connections: Arc<Connections>,
    conversation: Conversation,
    log: RequestLog,
}

impl Opened {
    fn add(id: String, caller: Caller, app: &App) -> Result<Self, TooMany> {
        let (connection, requests) = Connection::new(FACE, Transport::Sse, caller);
        let connection = app.connections.add(id.clone(), connection)?;
        let conversation = Conversation::on(&connection, requests, app.gateway.clone()).leaving_the_unknown();
        Ok(Self {
            id,
            connections: Arc::clone(&app.connections),
            conversation,
            log: RequestLog::begin(FACE, &ByteString::from_static("GET")),
        })
    }

    async fn run(mut self, outgoing: Outgoing) {
        if self.conversation.run(&outgoing, |message| sse::message(&message)).await {
            self.log.end(Outcome::Ended);
        }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.connections.remove(&self.id);
    }
}
