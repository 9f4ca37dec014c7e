//! `GET /manage/v1/backends/{name}`.

use std::time::Duration;

use argus_api::{
    BackendDetail, BackendFilter, BackendFilters, BackendTimeouts, BackendType, Calls, Era, ErrorBody, Latency, Reach,
    Restarts, ServerName,
};
use argus_config::{Backend as Definition, Filter, Timeouts, Transport};
use argus_gateway::{Backend as Known, Gateway};
use argus_protocol::Raw;
use argus_upstream::{Ended, Latencies, Upstream};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde_json::Value;

use super::backends;
use super::error::Error;
use super::time::written;
use crate::app::App;

/// One backend, with all that is known of it.
#[utoipa::path(
    get,
    path = "/backends/{name}",
    tag = "backends",
    params(("name" = String, Path, description = "The name of the backend.")),
    responses(
        (status = OK, body = BackendDetail),
        (status = BAD_REQUEST, body = ErrorBody, description = "The path is malformed."),
        (status = UNAUTHORIZED, body = ErrorBody),
        (status = FORBIDDEN, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody, description = "No backend has this name.")
    )
)]
pub(super) async fn show(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<BackendDetail>, Error> {
    let Path(name) = name?;
    let Some(backend) = app.gateway.inventory().backend(&name) else {
        return Err(Error::NoBackend(name));
    };
    let config = app.gateway.config();
    let entry = config.backends.iter().find(|entry| entry.name == name);
    let definition = entry.and_then(|entry| entry.definition.as_ref().ok());
    Ok(Json(detail(
        &app.gateway,
        &backend,
        definition.map(|definition| &**definition),
    )))
}

fn detail(gateway: &Gateway, backend: &Known, definition: Option<&Definition>) -> BackendDetail {
    let now = backend.state();
    let upstream = backend.upstream();
    let hello = now.hello.as_deref();
    let returns = backend.record().returns();
    BackendDetail {
        backend: backends::shown(backend),
        era: upstream.and_then(|upstream| era(upstream)),
        protocol_version: hello.map(|hello| hello.version.clone()),
        server: hello.and_then(|hello| hello.server_info.as_ref()).map(server),
        transport: match upstream.is_some_and(|upstream| upstream.speaks_sse()) {
            true => BackendType::Sse,
            false => backends::kind(backend.kind),
        },
        pids: gateway.pids(&backend.name),
        restarts: Restarts {
            count: returns.count,
            last: returns.last.map(written),
        },
        declared_capabilities: hello.and_then(|hello| value(&hello.capabilities)),
        instructions: hello.is_some_and(|hello| hello.instructions.is_some()),
        calls: calls(gateway, backend),
        latency: latency(backend.record().latencies()),
        next_attempt: now.next_attempt.map(written),
        reach: definition.map(reach),
        filters: definition.map(|definition| BackendFilters {
            tools: filter(&definition.filters.tools),
            resources: filter(&definition.filters.resources),
            prompts: filter(&definition.filters.prompts),
        }),
        timeouts: definition.map(|definition| timeouts(&definition.timeouts, &definition.transport)),
    }
}

fn era(upstream: &Upstream) -> Option<Era> {
    match (upstream.is_legacy(), upstream.is_modern()) {
        (Some(true), Some(true)) => Some(Era::Both),
        (Some(true), _) => Some(Era::Legacy),
        (_, Some(true)) => Some(Era::Modern),
        _ => None,
    }
}

fn value(raw: &Raw) -> Option<Value> {
    serde_json::from_str(raw.as_str()).ok()
}

fn server(info: &Raw) -> ServerName {
    let info = value(info).unwrap_or_default();
    let text = |name: &str| info.get(name)?.as_str().map(str::to_owned);
    ServerName {
        name: text("name"),
        version: text("version"),
    }
}

fn calls(gateway: &Gateway, backend: &Known) -> Calls {
    let (in_flight, waiting) = gateway.calls_now(&backend.name);
    let Ended { all, failed } = backend.record().ended();
    Calls {
        in_flight,
        waiting,
        made: all,
        failed,
    }
}

fn latency(lately: Latencies) -> Latency {
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    Latency {
        window_seconds: lately.window.as_secs_f64(),
        calls: lately.calls,
        p50_ms: lately.spread.map(|spread| millis(spread.p50)),
        p90_ms: lately.spread.map(|spread| millis(spread.p90)),
        p99_ms: lately.spread.map(|spread| millis(spread.p99)),
        max_ms: lately.spread.map(|spread| millis(spread.max)),
    }
}

fn reach(definition: &Definition) -> Reach {
    let argus_upstream::Reach {
        command,
        args,
        cwd,
        env,
        url,
        headers,
    } = argus_upstream::Reach::of(definition);
    Reach {
        command,
        args,
        cwd,
        env,
        url,
        headers,
    }
}

fn filter(filter: &Filter) -> BackendFilter {
    BackendFilter {
        allow: filter.allow().to_vec(),
        deny: filter.deny().to_vec(),
    }
}

fn timeouts(timeouts: &Timeouts, transport: &Transport) -> BackendTimeouts {
    let has_sse = matches!(transport, Transport::Sse(_));
    BackendTimeouts {
        init: timeouts.init.as_secs_f64(),
        cap_fetch: timeouts.cap_fetch.as_secs_f64(),
        startup: timeouts.startup.as_secs_f64(),
        sse_startup: has_sse.then_some(timeouts.sse_startup.as_secs_f64()),
        call: timeouts.call.as_secs_f64(),
    }
}
