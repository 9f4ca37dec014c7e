//! `GET /manage/v1/events/stream`.

use std::sync::Arc;

use argus_api::ErrorBody;
use argus_gateway::events::{Event, Following};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;

use super::error::Error;
use super::events::shown;
use super::stream::{self, Followed};
use crate::app::App;

/// Events as they come, as server-sent events.
///
/// Each has the `id` of the event and its JSON as `data`; every 30 seconds there is a comment, `: heartbeat`. With
/// `Last-Event-ID` the stream begins after that event, as far as it is still kept; an event of the stage `events_missed`
/// says what is not. It ends when the gateway stops.
#[utoipa::path(
    get,
    path = "/events/stream",
    operation_id = "follow_events",
    tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received.")),
    responses(
        (status = OK, description = "A stream of server-sent events.", body = argus_api::Event, content_type = "text/event-stream"),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody, description = "Too many streams are open.")
    )
)]
pub(super) async fn follow(State(app): State<App>, request: Request) -> Result<Response, Error> {
    let following = app.gateway.events().follow(stream::last_id(request.headers()));
    stream::respond(&app, request.extensions(), following)
}

impl Followed for Following {
    async fn next(&mut self) -> Option<Bytes> {
        Some(frame(&Following::next(self).await))
    }

    fn ready(&mut self) -> Option<Bytes> {
        Following::ready(self).as_ref().map(frame)
    }
}

/// An event on the stream; it is written once for all who follow.
fn frame(event: &Arc<Event>) -> Bytes {
    let write = || {
        // All keys are text, so this does not fail. JSON is written in one line.
        let data = serde_json::to_string(&shown(event)).unwrap_or_default();
        format!("id: {}\ndata: {data}\n\n", event.id).into()
    };
    event.written.get_or_init(write).clone()
}
