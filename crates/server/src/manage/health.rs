//! `GET /manage/v1/health`: always public, always 200 while the gateway lives.

use argus_api::{BackendTotals, Health, OverallStatus};
use argus_gateway::Totals;
use axum::Json;
use axum::extract::State;

use crate::app::App;

/// How the gateway and its backends fare, in short.
///
/// Needs no token. Backends that are not to run count in none of the numbers.
#[utoipa::path(get, path = "/health", tag = "service", responses((status = OK, body = Health)), security(()))]
pub(super) async fn show(State(app): State<App>) -> Json<Health> {
    let totals = app.gateway.totals();
    Json(Health {
        status: overall(totals),
        uptime_seconds: app.gateway.uptime().as_secs_f64(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        backends: BackendTotals {
            total: totals.total,
            connected: totals.connected,
            healthy: totals.healthy,
        },
    })
}

fn overall(totals: Totals) -> OverallStatus {
    match totals {
        Totals { total, healthy, .. } if healthy == total => OverallStatus::Healthy,
        Totals { connected: 0, .. } => OverallStatus::Unhealthy,
        _ => OverallStatus::Degraded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_follows_the_backends() {
        let of = |total, connected, healthy| {
            overall(Totals {
                total,
                connected,
                healthy,
            })
        };
        use OverallStatus::{Degraded, Healthy, Unhealthy};
        assert_eq!(
            [of(0, 0, 0), of(3, 3, 3), of(3, 3, 2), of(3, 1, 1), of(3, 0, 0)],
            [Healthy, Healthy, Degraded, Degraded, Unhealthy]
        );
    }
}
