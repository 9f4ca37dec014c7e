//! `GET /manage/v1/health`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How the gateway fares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// All backends together.
    pub status: OverallStatus,
    /// Seconds since the start.
    pub uptime_seconds: f64,
    /// This program's version.
    pub version: String,
    /// How many backends.
    pub backends: BackendTotals,
}

/// All backends together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverallStatus {
    /// All are connected and healthy, or there is none.
    Healthy,
    /// Some are not.
    Degraded,
    /// None is connected.
    Unhealthy,
}

/// Backends by state. Those that are not to run count in none of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackendTotals {
    /// All that are to run.
    pub total: usize,
    /// Connected now.
    pub connected: usize,
    /// Connected, and passing their checks.
    pub healthy: usize,
}
