//! `GET /manage/v1/backends/{name}`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{Backend, BackendType};

/// A backend with all that is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackendDetail {
    /// What the list of backends says of it.
    #[serde(flatten)]
    pub backend: Backend,
    /// The generations of the protocol that it is known to speak.
    pub era: Option<Era>,
    /// The revision of the protocol that was agreed on last.
    pub protocol_version: Option<String>,
    /// What it calls itself.
    pub server: Option<ServerName>,
    /// What is spoken with it. It differs from `type` where a url that is configured as Streamable HTTP speaks only
    /// HTTP+SSE.
    pub transport: BackendType,
    /// Its processes now, as the gateway started them.
    pub pids: Vec<u32>,
    /// How often it became ready again.
    pub restarts: Restarts,
    /// The capabilities that it declared last, as it wrote them.
    #[schema(value_type = Option<Object>)]
    pub declared_capabilities: Option<Value>,
    /// Whether it gave instructions.
    pub instructions: bool,
    /// The calls that it gets.
    pub calls: Calls,
    /// How long its calls take.
    pub latency: Latency,
    /// When it is tried again, while it cannot be connected to.
    #[schema(format = DateTime)]
    pub next_attempt: Option<String>,
    /// How it is reached, without secrets; `null` where its configuration needs variables that are not set.
    pub reach: Option<Reach>,
    /// Which of its capabilities are exposed.
    pub filters: Option<BackendFilters>,
    /// How long its answers may take.
    pub timeouts: Option<BackendTimeouts>,
}

/// Generations of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Era {
    /// With handshake and sessions, up to 2025-11-25.
    Legacy,
    /// Stateless, from 2026-07-28.
    Modern,
    /// Both.
    Both,
}

/// What a backend calls itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerName {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
}

/// How often a backend became ready again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Restarts {
    /// Since the start of the gateway; for a process, how often it was started again.
    pub count: u64,
    /// When it did so last.
    #[schema(format = DateTime)]
    pub last: Option<String>,
}

/// The calls of clients to a backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Calls {
    /// Those that are with it now.
    pub in_flight: usize,
    /// Those that wait for their turn now.
    pub waiting: usize,
    /// Those that ended since the start of the gateway. Calls that clients gave up are not among them.
    pub made: u64,
    /// Those of them that it did not answer. An error that it answered is an answer.
    pub failed: u64,
}

/// How long the calls of the last minutes took, failed ones included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Latency {
    /// The time that is looked at.
    pub window_seconds: f64,
    /// How many calls ended in it.
    pub calls: u64,
    /// Half of them took at most so long, in milliseconds, to about 6 %.
    pub p50_ms: Option<f64>,
    /// 90 % of them.
    pub p90_ms: Option<f64>,
    /// 99 % of them.
    pub p99_ms: Option<f64>,
    /// All of them.
    pub max_ms: Option<f64>,
}

/// How a backend is reached. Values of `env`, `headers` and `auth` are not shown, and what looks like a secret elsewhere
/// is blacked out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reach {
    /// The program of its process.
    pub command: Option<String>,
    /// Its arguments.
    pub args: Vec<String>,
    /// The folder that it runs in.
    pub cwd: Option<String>,
    /// The names of the variables that are set for it.
    pub env: Vec<String>,
    /// Scheme, host and port of its url.
    pub url: Option<String>,
    /// The names of the headers that are sent, those of `auth` included.
    pub headers: Vec<String>,
}

/// Which capabilities of a backend are exposed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackendFilters {
    /// Tools, by their original names.
    pub tools: BackendFilter,
    /// Resources and templates, by URI.
    pub resources: BackendFilter,
    /// Prompts, by their original names.
    pub prompts: BackendFilter,
}

/// Patterns that allow and deny.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackendFilter {
    /// What is exposed; empty means all.
    pub allow: Vec<String>,
    /// What is hidden; wins over `allow`.
    pub deny: Vec<String>,
}

/// How long the answers of a backend may take, in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackendTimeouts {
    /// From the start of a connection to the end of the handshake.
    pub init: f64,
    /// Each page of each list.
    pub cap_fetch: f64,
    /// One whole attempt to connect, lists included.
    pub startup: f64,
    /// From the start of the process of a backend over HTTP+SSE until its url answers; `null` for others.
    pub sse_startup: Option<f64>,
    /// A call.
    pub call: f64,
}
