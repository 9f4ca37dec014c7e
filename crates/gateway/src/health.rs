//! How the gateway fares, in the words of the management API.

use argus_upstream::Phase;
use serde::Serialize;

use crate::Inventory;

/// `GET /manage/v1/health`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Health {
    /// `healthy`: all backends ready, or none configured; `unhealthy`: none ready; else `degraded`.
    pub status: &'static str,
    /// Seconds since the start.
    pub uptime_seconds: f64,
    /// This program's version.
    pub version: &'static str,
    /// How many backends.
    pub backends: BackendCount,
}

/// Backends by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BackendCount {
    /// Configured.
    pub total: usize,
    /// Connected now.
    pub connected: usize,
    /// Ready to be called.
    pub healthy: usize,
}

/// `GET /manage/v1/ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether traffic can be served: a backend is ready, or none is configured.
    pub ready: bool,
    /// Why.
    pub reason: &'static str,
}

impl Health {
    pub(crate) fn of(inventory: &Inventory, uptime: std::time::Duration) -> Self {
        let backends = count(inventory);
        Self {
            status: status(backends),
            uptime_seconds: uptime.as_secs_f64(),
            version: env!("CARGO_PKG_VERSION"),
            backends,
        }
    }
}

impl Readiness {
    pub(crate) fn of(inventory: &Inventory) -> Self {
        let backends = count(inventory);
        if backends.total == 0 || backends.connected > 0 {
            Self {
                ready: true,
                reason: "accepting traffic",
            }
        } else {
            Self {
                ready: false,
                reason: "backends not connected",
            }
        }
    }
}

fn count(inventory: &Inventory) -> BackendCount {
    let ready = inventory
        .iter()
        .filter(|backend| backend.state().phase == Phase::Ready)
        .count();
    BackendCount {
        total: inventory.iter().count(),
        connected: ready,
        healthy: ready,
    }
}

fn status(backends: BackendCount) -> &'static str {
    match backends {
        BackendCount { total, healthy, .. } if healthy == total => "healthy",
        BackendCount { connected: 0, .. } => "unhealthy",
        _ => "degraded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_follows_the_backends() {
        let of = |total, ready| {
            status(BackendCount {
                total,
                connected: ready,
                healthy: ready,
            })
        };
        assert_eq!(
            [of(0, 0), of(3, 3), of(3, 1), of(3, 0)],
            ["healthy", "healthy", "degraded", "unhealthy"]
        );
    }
}
