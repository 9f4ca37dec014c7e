//! `GET /manage/v1/status`.

use argus_api::{ConfigStatus, ErrorBody, FeatureFlags, Service, ServiceState, Status, TransportStatus};
use argus_config::AnnouncedTransport;
use axum::Json;
use axum::extract::State;

use super::time::written;
use crate::app::App;

/// The service, its configuration and its addresses.
#[utoipa::path(
    get,
    path = "/status",
    tag = "service",
    responses(
        (status = OK, body = Status),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody)
    )
)]
pub(super) async fn show(State(app): State<App>) -> Json<Status> {
    Json(status(&app))
}

/// The same as a value, for what is made of several.
pub(super) fn status(app: &App) -> Status {
    let (gateway, running) = (&app.gateway, &app.running);
    let config = gateway.config();
    let flags = &config.feature_flags;
    let state = match gateway.stopping().is_cancelled() {
        false => ServiceState::Running,
        true => ServiceState::Stopping,
    };
    Status {
        service: Service {
            name: "Argus MCP".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            state,
            uptime_seconds: gateway.uptime().as_secs_f64(),
            started_at: written(running.started),
        },
        config: ConfigStatus {
            file_path: running
                .service
                .config_file
                .as_ref()
                .map(|path| path.display().to_string()),
            loaded_at: written(running.in_effect().since),
            backend_count: config.backends.len(),
        },
        transport: TransportStatus {
            sse_url: running.url(&config.server.host, AnnouncedTransport::Sse),
            streamable_http_url: running.url(&config.server.host, AnnouncedTransport::StreamableHttp),
            host: config.server.host.clone(),
            port: running.address.port(),
        },
        feature_flags: FeatureFlags {
            optimizer: flags.optimizer,
            hot_reload: flags.hot_reload,
            outgoing_auth: flags.outgoing_auth,
            session_management: flags.session_management,
            yaml_config: flags.yaml_config,
        },
    }
}
