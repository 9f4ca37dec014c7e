//! `GET /manage/v1/events` and `/manage/v1/events/stream`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Recent events, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    /// The events.
    pub events: Vec<Event>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// `evt_...`: unique, and in the order of the events. `Last-Event-ID` takes it.
    pub id: String,
    /// When, to the microsecond. No two events of a run have the same time, so that `since` finds exactly what came after
    /// one.
    #[schema(format = DateTime)]
    pub timestamp: String,
    /// What it is about, such as `backend_ready`. There may be more of them in later versions.
    pub stage: String,
    /// What happened, for people.
    pub message: String,
    /// How much it matters.
    pub severity: Severity,
    /// The backend that it happened to.
    pub backend: Option<String>,
    /// More, for programs.
    pub details: Map<String, Value>,
}

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For who looks for something.
    Debug,
    /// As it should be.
    Info,
    /// Somebody should know.
    Warning,
    /// Somebody should act.
    Error,
}
