//! `GET /manage/v1/backends/{name}/logs`.

use std::ops::RangeInclusive;

use argus_api::{BackendLogs, ErrorBody, LogLine};
use argus_gateway as gateway;
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::Error;
use super::time::written;
use crate::app::App;

/// How many lines one answer has.
const TAILS: RangeInclusive<usize> = 0..=1000;

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Tail {
    /// At most so many, the newest.
    #[serde(default = "usual_tail")]
    #[param(minimum = 0, maximum = 1000, default = 100)]
    tail: usize,
}

fn usual_tail() -> usize {
    100
}

/// What the processes of a backend wrote to their stderr lately, oldest first.
///
/// The last 1,000 lines are kept, of at most 256 KiB together and 8 KiB each, whichever process of the backend wrote
/// them. Of a process that writes too much at once some lines are left out; a line in their place says how many. Beside stderr there is what a process wrote to its stdout that is no message of MCP; such a line begins with
/// `stdout: `. A backend of which the gateway starts no process has no lines. Secrets of its configuration are blacked
/// out and control characters written out.
#[utoipa::path(
    get,
    path = "/backends/{name}/logs",
    tag = "backends",
    params(("name" = String, Path, description = "The backend."), Tail),
    responses(
        (status = OK, body = BackendLogs),
        (status = BAD_REQUEST, body = ErrorBody),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody, description = "No backend has this name.")
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    tail: Result<Query<Tail>, QueryRejection>,
) -> Result<Json<BackendLogs>, Error> {
    let (Path(name), Query(Tail { tail })) = (name?, tail?);
    in_bounds(tail)?;
    let Some(log) = app.gateway.log(&name) else {
        return Err(Error::NoBackend(name));
    };
    let newest = log.newest(tail);
    Ok(Json(BackendLogs {
        name,
        lines: newest.lines.iter().map(|line| shown(line)).collect(),
        forgotten: newest.forgotten,
        last_event_id: newest.place,
    }))
}

/// Refuses what is too much.
pub(super) fn in_bounds(tail: usize) -> Result<(), Error> {
    match TAILS.contains(&tail) {
        true => Ok(()),
        false => Err(Error::Parameter("tail", "a number from 0 to 1000")),
    }
}

/// A line as the API has it.
pub(super) fn shown(line: &gateway::LogLine) -> LogLine {
    LogLine {
        number: line.number,
        timestamp: written(line.time),
        pid: line.pid,
        line: line.text.clone(),
    }
}
