//! `GET /manage/v1/sessions`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::CapabilityCount;

/// The clients that are there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    /// How many sessions there are.
    pub active_sessions: usize,
    /// The sessions, the oldest first.
    pub sessions: Vec<Session>,
    /// Callers of the last five minutes that have no session: clients of 2026-07-28, each address once; at most 10,000.
    pub stateless_callers: usize,
}

/// A session of a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Tells sessions apart. It is not what the client shows, and opens nothing.
    pub id: String,
    /// How the client is connected.
    pub transport_type: TransportType,
    /// The revision of MCP that was agreed on.
    pub protocol_version: String,
    /// What the client calls itself.
    pub client_name: Option<String>,
    /// Tools that the client sees.
    pub tool_count: usize,
    /// What the client sees.
    pub capability_snapshot: CapabilityCount,
    /// Seconds since it was opened.
    pub age_seconds: f64,
    /// Seconds since it was used last; 0 while a call or a stream is open.
    pub idle_seconds: f64,
    /// Seconds after which it ends when it is not used.
    pub ttl: u64,
    /// Whether it was not used for longer, and is about to end.
    pub expired: bool,
}

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TransportType {
    /// Streamable HTTP.
    StreamableHttp,
    /// HTTP+SSE.
    Sse,
    /// Standard input and output.
    Stdio,
}
