//! `GET /manage/v1/backends/{name}/logs` and `.../logs/stream`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a backend wrote to its stderr lately, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BackendLogs {
    /// The backend.
    pub name: String,
    /// The lines, from all of its processes.
    pub lines: Vec<LogLine>,
    /// How many earlier lines are not kept any more.
    pub forgotten: u64,
    /// With this as `Last-Event-ID` the stream begins after these lines, also when there is none yet.
    pub last_event_id: String,
}

/// One line that a process wrote to its stderr.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// Grows by one with each line of this backend, and begins at 1 with each start of the gateway.
    pub number: u64,
    /// When it was read.
    #[schema(format = DateTime)]
    pub timestamp: String,
    /// The process that wrote it.
    pub pid: Option<u32>,
    /// The line, without its end. Secrets of the backend's configuration are blacked out, control characters escaped.
    pub line: String,
}
