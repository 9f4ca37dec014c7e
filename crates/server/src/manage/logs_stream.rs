//! `GET /manage/v1/backends/{name}/logs/stream`.

use std::sync::Arc;

use argus_api::ErrorBody;
use argus_gateway::{LogFollowing, LogLine, LogStart};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::Error;
use super::logs::{in_bounds, shown};
use super::stream::{self, Followed};
use crate::app::App;

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Tail {
    /// So many of the lines that are there come first. `Last-Event-ID` goes before it.
    #[serde(default)]
    #[param(minimum = 0, maximum = 1000, default = 0)]
    tail: usize,
}

/// What the processes of a backend write to their stderr, as server-sent events.
///
/// Each has the JSON of a line (`LogLine`) as `data`, and an `id` that says in which run of the gateway that was
/// (`<run>-<number>`); every 30 seconds there is a comment, `: heartbeat`. With `Last-Event-ID` the stream begins after
/// that line, as far as the lines are still kept; with one of an earlier run, with all that are kept. A number that is
/// left out is a line that was not. The stream ends when the gateway stops or the backend is removed.
#[utoipa::path(
    get,
    path = "/backends/{name}/logs/stream",
    tag = "backends",
    params(
        ("name" = String, Path, description = "The backend."),
        Tail,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last line that was received, or the `last_event_id` of the logs.")
    ),
    responses(
        (status = OK, description = "A stream of server-sent events.", body = argus_api::LogLine, content_type = "text/event-stream"),
        (status = BAD_REQUEST, body = ErrorBody),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody, description = "No backend has this name."),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody, description = "Too many streams are open.")
    )
)]
pub(super) async fn follow(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    tail: Result<Query<Tail>, QueryRejection>,
    request: Request,
) -> Result<Response, Error> {
    let (Path(name), Query(Tail { tail })) = (name?, tail?);
    in_bounds(tail)?;
    let Some(log) = app.gateway.log(&name) else {
        return Err(Error::NoBackend(name));
    };
    let start = match stream::last_id(request.headers()) {
        // What is not of this log was before all that is in it.
        Some(last) => LogStart::After(log.number(last).unwrap_or_default()),
        None => LogStart::Newest(tail),
    };
    stream::respond(&app, request.extensions(), log.follow(start))
}

impl Followed for LogFollowing {
    async fn next(&mut self) -> Option<Bytes> {
        LogFollowing::next(self).await.as_ref().map(frame)
    }

    fn ready(&mut self) -> Option<Bytes> {
        LogFollowing::ready(self).as_ref().map(frame)
    }
}

/// A line on the stream; it is written once for all who follow.
fn frame(line: &Arc<LogLine>) -> Bytes {
    let write = || {
        // Texts and numbers: this does not fail. JSON is written in one line.
        let data = serde_json::to_string(&shown(line)).unwrap_or_default();
        format!("id: {}\ndata: {data}\n\n", line.place()).into()
    };
    line.rendered.get_or_init(write).clone()
}
