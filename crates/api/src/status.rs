//! `GET /manage/v1/status`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The service, its configuration and its addresses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// This program.
    pub service: Service,
    /// What it was configured with.
    pub config: ConfigStatus,
    /// Where MCP clients reach it.
    pub transport: TransportStatus,
    /// What is switched on.
    pub feature_flags: FeatureFlags,
}

/// This program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// `Argus MCP`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Whether it runs or is about to stop.
    pub state: ServiceState,
    /// Seconds since the start.
    pub uptime_seconds: f64,
    /// When it was started.
    #[schema(format = DateTime)]
    pub started_at: String,
}

/// Whether the service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// It takes requests.
    Running,
    /// It lets calls in flight finish, and takes no new connections.
    Stopping,
}

/// What the service was configured with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigStatus {
    /// The file; `null` when it was started without one (`--demo`).
    pub file_path: Option<String>,
    /// When the configuration that holds now was read.
    #[schema(format = DateTime)]
    pub loaded_at: String,
    /// How many backends it has.
    pub backend_count: usize,
}

/// Where MCP clients reach the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransportStatus {
    /// HTTP+SSE.
    pub sse_url: String,
    /// Streamable HTTP.
    pub streamable_http_url: String,
    /// The host as configured.
    pub host: String,
    /// The port that was taken.
    pub port: u16,
}

/// What is switched on, as it is in effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[allow(clippy::struct_excessive_bools, reason = "each is one switch of the file")]
pub struct FeatureFlags {
    /// Tool search instead of the full tool list.
    pub optimizer: bool,
    /// Changes of the file take effect without a restart.
    pub hot_reload: bool,
    /// Credentials are sent to backends.
    pub outgoing_auth: bool,
    /// Sessions of clients are kept.
    pub session_management: bool,
    /// The configuration is read from YAML.
    pub yaml_config: bool,
}
