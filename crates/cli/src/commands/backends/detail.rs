//! One backend with all that is known of it.

use std::fmt::Write;

use argus_api::{Backend, BackendDetail, BreakerState, Latency, Reach};

use super::{colour, latency, word};
use crate::show::{Screen, line, time};

/// What people are shown of it.
pub(super) fn described(detail: &BackendDetail, screen: Screen) -> String {
    let backend = &detail.backend;
    let mut lines = vec![
        ("Name", line(&backend.name).into_owned()),
        ("Type", word(&backend.kind)),
        ("Group", line(&backend.group).into_owned()),
        ("Phase", screen.paint(colour(backend), &word(&backend.phase))),
        ("State", word(&backend.state)),
    ];
    if let Some(error) = &backend.error {
        lines.push(("Error", line(error).into_owned()));
    }
    if let Some(next) = &detail.next_attempt {
        lines.push(("Next", format!("tried again at {}", time::second(next))));
    }
    lines.push(("Health", health(backend)));
    lines.push(("Breaker", breaker(backend)));
    if let Some(reach) = &detail.reach {
        lines.push(("Reached", reached(reach)));
    }
    if let Some(server) = &detail.server {
        let said = [&server.name, &server.version];
        let said: Vec<&str> = said.into_iter().flatten().map(String::as_str).collect();
        lines.push(("Server", line(&said.join(" ")).into_owned()));
    }
    lines.push(("Protocol", protocol(detail)));
    if !detail.pids.is_empty() {
        let pids: Vec<String> = detail.pids.iter().map(u32::to_string).collect();
        lines.push(("Process", pids.join(", ")));
    }
    let restarts = &detail.restarts;
    lines.push((
        "Restarts",
        match &restarts.last {
            Some(last) => format!("{}, the last one at {}", restarts.count, time::second(last)),
            None => restarts.count.to_string(),
        },
    ));
    let calls = &detail.calls;
    lines.push((
        "Calls",
        format!(
            "{} made, {} failed, {} in flight, {} waiting",
            calls.made, calls.failed, calls.in_flight, calls.waiting
        ),
    ));
    lines.extend(percentiles(&detail.latency).map(|text| ("Latency", text)));
    let count = backend.capabilities;
    lines.push((
        "Lists",
        format!(
            "{} tools, {} resources, {} prompts",
            count.tools, count.resources, count.prompts
        ),
    ));
    for (label, value) in &backend.labels {
        lines.push(("Label", format!("{}={}", line(label), line(value))));
    }
    let lines = lines.into_iter().map(|(name, value)| format!("{name:<8} {value}"));
    let conditions = backend.conditions.iter().map(|condition| {
        let so = if condition.status { "" } else { "not " };
        let since = time::second(&condition.last_transition);
        let (kind, reason) = (line(&condition.kind), line(&condition.reason));
        format!("{since}  {so}{kind} ({reason}): {}", line(&condition.message))
    });
    lines.chain(conditions).collect::<Vec<_>>().join("\n")
}

fn health(backend: &Backend) -> String {
    let health = &backend.health;
    let mut text = word(&health.status);
    if let Some(last) = &health.last_check {
        let _ = write!(text, ", checked at {}", time::second(last));
    }
    if let Some(latency) = latency(backend) {
        let _ = write!(text, ", answered in {latency}");
    }
    if health.consecutive_failures > 0 {
        let _ = write!(text, ", {} failures in a row", health.consecutive_failures);
    }
    text
}

fn breaker(backend: &Backend) -> String {
    match (backend.breaker.state, backend.breaker.retry_in_seconds) {
        (BreakerState::Closed, _) => "closed: it is called".to_owned(),
        (BreakerState::HalfOpen, _) => "half open: one call is tried".to_owned(),
        (BreakerState::Open, None) => "open: calls are refused".to_owned(),
        (BreakerState::Open, Some(seconds)) => {
            format!("open: calls are refused; one is tried in {}", time::span(seconds))
        }
    }
}

fn reached(reach: &Reach) -> String {
    let command = reach.command.iter().chain(&reach.args).map(String::as_str);
    let text = reach
        .url
        .as_deref()
        .into_iter()
        .chain(command)
        .collect::<Vec<_>>()
        .join(" ");
    line(&text).into_owned()
}

fn protocol(detail: &BackendDetail) -> String {
    let version = detail.protocol_version.as_deref().unwrap_or("not known yet");
    match detail.era {
        Some(era) => format!("{} ({})", line(version), word(&era)),
        None => line(version).into_owned(),
    }
}

fn percentiles(latency: &Latency) -> Option<String> {
    let (half, most, all) = (latency.p50_ms?, latency.p99_ms?, latency.max_ms?);
    let window = time::span(latency.window_seconds);
    let calls = latency.calls;
    Some(format!(
        "p50 {half:.1} ms, p99 {most:.1} ms, at most {all:.1} ms ({calls} calls in {window})"
    ))
}
