//! `GET /manage/v1/sessions`.

use argus_api::{CapabilityCount, ErrorBody, Session, SessionList, TransportType};
use argus_gateway::{SessionView, Transport};
use axum::Json;
use axum::extract::State;

use crate::app::App;

/// The sessions of MCP clients, and how many clients there are without one.
#[utoipa::path(
    get,
    path = "/sessions",
    tag = "sessions",
    responses(
        (status = OK, body = SessionList),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody)
    )
)]
pub(super) async fn list(State(app): State<App>) -> Json<SessionList> {
    let ttl = app.gateway.max_idle();
    let shown = |session: SessionView| {
        let [tools, resources, prompts] = session.counts;
        Session {
            id: session.id,
            transport_type: match session.transport {
                Transport::StreamableHttp => TransportType::StreamableHttp,
                Transport::Sse => TransportType::Sse,
                Transport::Stdio => TransportType::Stdio,
            },
            protocol_version: session.version.to_owned(),
            client_name: session.client,
            tool_count: tools,
            capability_snapshot: CapabilityCount {
                tools,
                resources,
                prompts,
            },
            age_seconds: session.age.as_secs_f64(),
            idle_seconds: session.idle.as_secs_f64(),
            ttl: ttl.as_secs(),
            expired: session.idle >= ttl,
        }
    };
    let sessions: Vec<Session> = app.gateway.sessions().into_iter().map(shown).collect();
    Json(SessionList {
        active_sessions: sessions.len(),
        sessions,
        stateless_callers: app.gateway.stateless_callers(),
    })
}
