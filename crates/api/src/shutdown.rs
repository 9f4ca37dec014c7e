//! `POST /manage/v1/shutdown`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How to stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShutdownRequest {
    /// How long calls in flight may take to finish; without it `server.shutdown_timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 300)]
    pub timeout_seconds: Option<u64>,
}

/// The gateway stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shutdown {
    /// Always true.
    pub shutting_down: bool,
}
