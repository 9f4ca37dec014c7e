//! `GET /metrics`: what Prometheus reads.
//!
//! Nothing here is on the path of a call. What calls are counted with is in `argus_upstream`'s tally; all else is asked
//! for when the page is made.

mod backends;
mod format;
mod names;
mod page;
mod process;
mod traffic;

use std::fmt;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use argus_gateway::Transport;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;

use crate::app::App;
use crate::guard::Rules;
use crate::manage::{self, Access};
use format::Format;
use page::Page;
pub(crate) use traffic::{Answering, Face, Traffic};

/// What the log calls this face.
const FACE: &str = "metrics";

/// The whole face. Who may read it is who may manage.
pub(crate) fn router(access: Access, rules: Arc<Rules>) -> Router<App> {
    manage::protected(FACE, Router::new().route("/metrics", get(show)), access, rules)
}

async fn show(State(app): State<App>, headers: HeaderMap) -> Response {
    let format = Format::wanted(&headers);
    // Files are read for it.
    let made = tokio::task::spawn_blocking(move || written(app)).await;
    match made {
        Ok(Ok(page)) => ([(CONTENT_TYPE, format.content_type())], format.of(page)).into_response(),
        Ok(Err(fmt::Error)) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The page in OpenMetrics.
fn written(app: App) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Everything(app)));
    let mut page = String::with_capacity(16 << 10);
    encode(&mut page, &registry)?;
    Ok(page)
}

/// All that is told.
#[derive(Debug)]
struct Everything(App);

impl Collector for Everything {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Self(app) = self;
        let mut page = Page::new(encoder);
        backends::write(&mut page, &app.gateway)?;
        clients(&mut page, app)?;
        operation(&mut page, app)?;
        process::write(&mut page, app.running.started())
    }
}

/// Who is served, and how much.
fn clients(page: &mut Page<'_>, app: &App) -> fmt::Result {
    let word = |transport| match transport {
        Transport::StreamableHttp => "streamable-http",
        Transport::Sse => "sse",
        Transport::Stdio => "stdio",
    };
    page.family(&names::SESSIONS, |samples| {
        for (transport, sessions) in app.gateway.sessions_by_transport() {
            samples.gauge(["legacy", word(transport)], sessions)?;
        }
        let callers = app.gateway.stateless_callers();
        samples.gauge(["modern", word(Transport::StreamableHttp)], callers)
    })?;
    page.family(&names::HTTP_REQUESTS, |samples| {
        let mut requests = app.traffic.requests();
        requests.try_for_each(|(face, status, count)| samples.counter([face, status], count))
    })?;
    page.counter(&names::HTTP_RECEIVED, app.traffic.received())?;
    page.counter(&names::HTTP_SENT, app.traffic.sent())
}

/// What an operator does and sees.
fn operation(page: &mut Page<'_>, app: &App) -> fmt::Result {
    page.counter(&names::EVENTS, app.gateway.events().published())?;
    page.counter(&names::EVENTS_MISSED, app.gateway.events().missed())?;
    let (applied, refused) = app.running.reloads();
    page.family(&names::CONFIG_RELOADS, |samples| {
        samples.counter(["success"], applied)?;
        samples.counter(["refused"], refused)
    })?;
    let loaded = app.running.in_effect().since.duration_since(UNIX_EPOCH).ok();
    page.gauge(&names::CONFIG_LOADED, loaded.map(|since| since.as_secs_f64()))?;
    page.family(&names::LOG_LINES_LOST, |samples| {
        let mut logs = app.running.lost_lines().counts();
        logs.try_for_each(|(log, lost)| samples.counter([log], lost))
    })?;
    page.family(&names::BUILD, |samples| samples.info([env!("CARGO_PKG_VERSION")]))
}
