//! `GET /manage/v1/events`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use argus_api::{ErrorBody, Event, EventList, Severity};
use argus_gateway::events;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::Error;
use super::time::{read, written_exactly};
use crate::app::App;

/// How many events one answer has.
pub(super) const LIMITS: RangeInclusive<usize> = 1..=1000;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// At most so many, the newest.
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// Only what came after this time (RFC 3339).
    #[param(format = DateTime)]
    since: Option<String>,
    /// Only this severity.
    #[param(inline)]
    severity: Option<Severity>,
}

fn usual_limit() -> usize {
    100
}

/// Recent events, oldest first.
///
/// At least the last 1,000 are kept.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "list_events",
    tag = "events",
    params(Filter),
    responses(
        (status = OK, body = EventList),
        (status = BAD_REQUEST, body = ErrorBody),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody)
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<EventList>, Error> {
    let Query(filter) = filter?;
    if !LIMITS.contains(&filter.limit) {
        return Err(Error::Parameter("limit", "a number from 1 to 1000"));
    }
    let unread = Error::Parameter("since", "a time such as 2026-02-23T12:00:00Z (RFC 3339)");
    let since = match filter.since.as_deref() {
        Some(since) => Some(read(since).ok_or(unread)?),
        None => None,
    };
    let wanted = |event: &events::Event| {
        let of = filter.severity;
        of.is_none_or(|wanted| severity(event.news.severity) == wanted)
    };
    let events = app.gateway.events();
    Ok(Json(listed(&match since {
        Some(since) => events.recent_since(since, filter.limit, wanted),
        None => events.recent(filter.limit, wanted),
    })))
}

/// The newest of the events, for what is made of several.
pub(super) fn recent(app: &App, limit: usize) -> EventList {
    listed(&app.gateway.events().recent(limit, |_| true))
}

fn listed(found: &[Arc<events::Event>]) -> EventList {
    EventList {
        events: found.iter().map(|event| shown(event)).collect(),
    }
}

/// An event as the API has it.
pub(super) fn shown(event: &events::Event) -> Event {
    let news = &event.news;
    Event {
        id: event.id.clone(),
        timestamp: written_exactly(event.time),
        stage: news.stage.as_str().to_owned(),
        message: news.message.clone(),
        severity: severity(news.severity),
        backend: news.backend.as_deref().map(str::to_owned),
        details: news.details.clone(),
    }
}

fn severity(severity: events::Severity) -> Severity {
    match severity {
        events::Severity::Debug => Severity::Debug,
        events::Severity::Info => Severity::Info,
        events::Severity::Warning => Severity::Warning,
        events::Severity::Error => Severity::Error,
    }
}
