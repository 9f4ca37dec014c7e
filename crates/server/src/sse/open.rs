//! `GET /sse`: opens a connection.

use std::sync::Arc;

use argus_gateway::Caller;
use argus_protocol::sse;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use http::{HeaderMap, StatusCode};

use super::connections::TooMany;
use super::conversation::Conversation;
use super::outgoing::{self, Reading};
use crate::app::App;
use crate::mcp::accepts::Accepts;
use crate::mcp::{answer, respond};
use crate::request_log;

pub(super) fn handle(app: &App, headers: &HeaderMap, caller: Caller) -> Response {
    if !Accepts::of(headers).stream {
        return answer::refused(StatusCode::NOT_ACCEPTABLE, "Accept must name text/event-stream").into_response();
    }
    let Some(id) = argus_gateway::random_id() else {
        let why = "no connection id can be made, because the system gives no random numbers";
        return answer::refused(StatusCode::INTERNAL_SERVER_ERROR, why).into_response();
    };
    let endpoint = sse::endpoint(&format!("/messages/?session_id={id}"));
    match Conversation::open(id, caller, app.gateway.clone(), Arc::clone(&app.connections)) {
        Ok(conversation) => {
            let (outgoing, reading) = outgoing::queue(app.connections.budget());
            // It ends when the stream does.
            tokio::spawn(conversation.run(outgoing));
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
