//! `GET /manage/v1/backends`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// All backends, in the order of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackendList {
    /// The backends.
    pub backends: Vec<Backend>,
}

/// A backend as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Backend {
    /// Its key in the configuration.
    pub name: String,
    /// How it is reached.
    #[serde(rename = "type")]
    pub kind: BackendType,
    /// Its group.
    pub group: String,
    /// Where it is in its life.
    pub phase: Phase,
    /// Whether it is connected.
    pub state: State,
    /// Why it is not ready.
    pub error: Option<String>,
    /// How much it listed.
    pub capabilities: CapabilityCount,
    /// Whether it is called.
    pub breaker: Breaker,
    /// What the last check found.
    pub health: BackendHealth,
    /// What is to be said of it.
    pub conditions: Vec<Condition>,
    /// What the configuration says of it, for people and programs.
    pub labels: BTreeMap<String, String>,
}

/// How a backend is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BackendType {
    /// A process.
    Stdio,
    /// HTTP+SSE.
    Sse,
    /// Streamable HTTP.
    StreamableHttp,
}

/// Where a backend is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Phase {
    /// Not tried yet, or not to run.
    Pending,
    /// A connection is being made.
    Initializing,
    /// Connected and listed.
    Ready,
    /// Connected, but something is wrong.
    Degraded,
    /// The last attempt failed; another follows.
    Failed,
    /// The gateway lets it go.
    ShuttingDown,
}

/// Whether a backend is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A connection is being made.
    Connecting,
    /// It is.
    Connected,
    /// It is not, and is not to be.
    Disconnected,
    /// It should be.
    Error,
}

/// How much a backend listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CapabilityCount {
    /// Tools.
    pub tools: usize,
    /// Resources, templates apart.
    pub resources: usize,
    /// Prompts.
    pub prompts: usize,
}

/// What the last check of a backend found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackendHealth {
    /// The verdict.
    pub status: HealthStatus,
    /// When it was checked last: asked whether it is there, or called.
    #[schema(format = DateTime)]
    pub last_check: Option<String>,
    /// How long the answer to the last check took, in milliseconds.
    pub latency_ms: Option<f64>,
    /// How many checks and calls in a row had no answer.
    pub consecutive_failures: u32,
}

/// Whether a backend is called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Breaker {
    /// What becomes of calls.
    pub state: BreakerState,
    /// When one call is tried, while it is open.
    pub retry_in_seconds: Option<f64>,
}

/// What becomes of calls to a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// They are made.
    Closed,
    /// They are refused at once, because it failed too often.
    Open,
    /// One is tried.
    HalfOpen,
}

/// The verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// It answers.
    Healthy,
    /// It answers, but not as it should.
    Degraded,
    /// It does not answer.
    Unhealthy,
    /// It was not checked yet, or is not to run.
    Unknown,
}

/// Something that is or is not so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Condition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is so.
    pub status: bool,
    /// Why, in one word.
    pub reason: String,
    /// Why, for people.
    pub message: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub last_transition: String,
}
