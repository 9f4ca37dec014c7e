//! `GET /manage/v1/backends`.

use std::time::SystemTime;

use argus_api::{
    Backend, BackendHealth, BackendList, BackendType, Breaker, BreakerState, CapabilityCount, Condition, ErrorBody,
    HealthStatus, Phase, State,
};
use argus_config::BackendKind;
use argus_gateway::{Backend as Known, BreakerState as Opening, Hindrance, Vitals};
use axum::Json;
use axum::extract::State as With;

use super::time::written;
use crate::app::App;

/// All backends: where they are in their lives, how they fare and how much they offer.
#[utoipa::path(
    get,
    path = "/backends",
    tag = "backends",
    responses(
        (status = OK, body = BackendList),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody)
    )
)]
pub(super) async fn list(With(app): With<App>) -> Json<BackendList> {
    Json(backends(&app))
}

/// The same as a value, for what is made of several.
pub(super) fn backends(app: &App) -> BackendList {
    let backends = app.gateway.inventory().iter().map(shown).collect();
    BackendList { backends }
}

pub(super) fn shown(backend: &Known) -> Backend {
    let (now, hindrance) = backend.hindered();
    let phase = phase(now.phase);
    let vitals = backend.upstream().map(|upstream| upstream.vitals());
    let mut ready = match backend.is_disabled() {
        true => disabled(now.since),
        false => ready(phase, now.error.as_deref(), now.since),
    };
    if let Some(hindrance) = hindrance {
        ready.reason = hindered_by(hindrance).to_owned();
    }
    let mut conditions = vec![ready];
    conditions.extend(vitals.and_then(|vitals| not_called(&vitals)));
    conditions.extend(backend.conditions().iter().map(|standing| Condition {
        kind: standing.condition.kind.as_str().to_owned(),
        status: true,
        reason: standing.condition.kind.as_str().to_owned(),
        message: standing.condition.message.clone(),
        last_transition: written(standing.since),
    }));
    Backend {
        name: backend.name.clone(),
        kind: kind(backend.kind),
        group: backend.group.clone(),
        phase,
        state: state(phase),
        error: now.error.clone(),
        capabilities: CapabilityCount {
            tools: now.lists.tools.len(),
            resources: now.lists.resources.len(),
            prompts: now.lists.prompts.len(),
        },
        breaker: breaker(vitals.map_or(Opening::Closed, |vitals| vitals.breaker)),
        health: BackendHealth {
            status: health(phase, now.error.is_some()),
            last_check: vitals.and_then(|vitals| vitals.last_check).map(written),
            latency_ms: vitals
                .and_then(|vitals| vitals.latency)
                .map(|latency| latency.as_secs_f64() * 1000.0),
            consecutive_failures: vitals.map_or(0, |vitals| vitals.failures),
        },
        conditions,
        labels: backend.labels.iter().cloned().collect(),
    }
}

pub(super) fn kind(kind: BackendKind) -> BackendType {
    match kind {
        BackendKind::Stdio => BackendType::Stdio,
        BackendKind::Sse => BackendType::Sse,
        BackendKind::StreamableHttp => BackendType::StreamableHttp,
    }
}

fn phase(phase: argus_upstream::Phase) -> Phase {
    use argus_upstream::Phase as Known;
    match phase {
        Known::Pending => Phase::Pending,
        Known::Initializing => Phase::Initializing,
        Known::Ready => Phase::Ready,
        Known::Degraded => Phase::Degraded,
        Known::Failed => Phase::Failed,
        Known::ShuttingDown => Phase::ShuttingDown,
    }
}

fn state(phase: Phase) -> State {
    match phase {
        Phase::Pending | Phase::ShuttingDown => State::Disconnected,
        Phase::Initializing => State::Connecting,
        Phase::Ready | Phase::Degraded => State::Connected,
        Phase::Failed => State::Error,
    }
}

fn health(phase: Phase, lost: bool) -> HealthStatus {
    match phase {
        Phase::Initializing if lost => HealthStatus::Unhealthy,
        Phase::Ready => HealthStatus::Healthy,
        Phase::Degraded => HealthStatus::Degraded,
        Phase::Failed => HealthStatus::Unhealthy,
        Phase::Pending | Phase::Initializing | Phase::ShuttingDown => HealthStatus::Unknown,
    }
}

fn breaker(now: Opening) -> Breaker {
    let (state, retry_in) = match now {
        Opening::Closed => (BreakerState::Closed, None),
        Opening::Open { retry_in } => (BreakerState::Open, Some(retry_in)),
        Opening::HalfOpen => (BreakerState::HalfOpen, None),
    };
    Breaker {
        state,
        retry_in_seconds: retry_in.map(|time| time.as_secs_f64()),
    }
}

/// The condition of a backend that failed too often.
fn not_called(vitals: &Vitals) -> Option<Condition> {
    let since = vitals.opened?;
    let failures = vitals.failures;
    Some(Condition {
        kind: "NotCalled".to_owned(),
        status: true,
        reason: "TooManyFailures".to_owned(),
        message: format!("Calls are refused after {failures} failures in a row, until one that is tried succeeds"),
        last_transition: written(since),
    })
}

/// The condition that every backend has.
fn ready(phase: Phase, error: Option<&str>, since: SystemTime) -> Condition {
    let (reason, message) = match phase {
        Phase::Ready => ("Connected", "Backend initialized successfully"),
        Phase::Degraded => ("Degraded", "Backend is connected, but not well"),
        Phase::Pending => ("NotTried", "Backend was not connected to yet"),
        Phase::Initializing => ("Connecting", "A connection is being made"),
        Phase::Failed => (
            "ConnectionFailed",
            "The last attempt to connect failed; another follows",
        ),
        Phase::ShuttingDown => ("ShuttingDown", "The gateway stops"),
    };
    Condition {
        kind: "Ready".to_owned(),
        status: matches!(phase, Phase::Ready | Phase::Degraded),
        reason: reason.to_owned(),
        message: error.unwrap_or(message).to_owned(),
        last_transition: written(since),
    }
}

/// The same of one that an operator switched off.
fn disabled(since: SystemTime) -> Condition {
    Condition {
        kind: "Ready".to_owned(),
        status: false,
        reason: "Disabled".to_owned(),
        message: "An operator disabled the backend; it runs again when it is enabled".to_owned(),
        last_transition: written(since),
    }
}

/// The reason why a backend is not ready, where that is not its connection.
fn hindered_by(hindrance: Hindrance) -> &'static str {
    match hindrance {
        Hindrance::NotConfigured => "NotConfigured",
        Hindrance::NameCollision => "NameCollision",
    }
}
