//! `GET /metrics`.

use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::support::{Answer, Backend, Served, until};

const TOKEN: &str = "d41d8cd98f00b204e9800998ecf8427e";
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";

/// The page in plain text.
async fn page(served: &Served) -> String {
    let answered = served.get("/metrics").send().await;
    assert_eq!(answered.status, 200);
    answered.body
}

/// The value of a sample, which is written in full.
fn value(page: &str, sample: &str) -> Option<f64> {
    let found = page
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    found.map(|value| value.parse().unwrap())
}

/// Waits until a sample has a value.
async fn becomes(served: &Served, sample: &str, wanted: f64) {
    for _ in 0..500 {
        if value(&page(served).await, sample) == Some(wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{sample} does not become {wanted}: {}", page(served).await);
}

/// The names of all families of a page.
fn families(page: &str) -> BTreeSet<String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// The page without buckets, and without values that differ from run to run.
fn steady(page: &str) -> String {
    let varies = |name: &str| {
        name.ends_with("_sum")
            || name.starts_with("process_")
            || name.contains("bytes")
            || name.starts_with("argus_events_")
    };
    let mut steady = String::new();
    for line in page.lines().filter(|line| !line.contains("_bucket{")) {
        let name = line.split(['{', ' ']).next().unwrap();
        let at = line.rfind(' ').unwrap();
        let shown = match line.starts_with('#') {
            false if varies(name) || name.contains("timestamp") => format!("{} [varies]", &line[..at]),
            _ => line.to_owned(),
        };
        steady.push_str(&shown);
        steady.push('\n');
    }
    steady.replace(env!("CARGO_PKG_VERSION"), "[version]")
}

async fn with_one() -> (Backend, Served) {
    let backend = Backend::legacy()
        .tools(&["say"])
        .prompts(&["greet"])
        .resources(&["x://1"]);
    let backend = backend.result("tools/call", json!({"content": []})).start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    until("the backend is ready", || served.fares() == "healthy").await;
    (backend, served)
}

#[tokio::test]
async fn all_that_is_told() {
    let (_backend, served) = with_one().await;
    let session = served.session().await;
    session.tool("say").await.result();
    insta::assert_snapshot!(steady(&page(&served).await));
}

#[tokio::test]
async fn the_documentation_lists_what_is_told_and_nothing_else() {
    let (_backend, served) = with_one().await;
    let documentation = include_str!("../../../../docs/metrics.md");
    let rows = documentation.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<String> = rows.map(|row| row.split('`').next().unwrap().to_owned()).collect();
    assert_eq!(families(&page(&served).await), listed);
}

#[tokio::test]
async fn a_scraper_gets_the_format_that_it_asks_for() {
    let (_backend, served) = with_one().await;
    let plain = served.get("/metrics").send().await;
    assert_eq!(
        plain.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert!(!plain.body.contains("# EOF") && !plain.body.contains("# UNIT"));
    assert!(
        plain
            .body
            .contains("# TYPE argus_events_total counter\nargus_events_total ")
    );
    let open = served.get("/metrics").header("accept", OPEN_METRICS).send().await;
    assert_eq!(
        open.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(open.body.ends_with("# EOF\n"));
    assert!(open.body.contains("# TYPE argus_events counter\nargus_events_total "));
    assert!(open.body.contains("# UNIT argus_call_duration_seconds seconds\n"));
    let head = served.request(Method::HEAD, "/metrics").send().await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    let posted = served.request(Method::POST, "/metrics").send().await;
    assert_eq!(
        (posted.status.as_u16(), &posted.message()["error"]),
        (405, &"method_not_allowed".into())
    );
}

#[tokio::test]
async fn it_is_for_those_who_may_manage() {
    let served = Served::with(&format!("server: {{management: {{token: {TOKEN}}}}}")).await;
    let refused = served.get("/metrics").send().await;
    assert_eq!(
        (refused.status.as_u16(), &refused.headers["www-authenticate"]),
        (401, &"Bearer".parse().unwrap())
    );
    assert!(!refused.body.contains("argus_"), "{}", refused.body);
    let shown = served
        .get("/metrics")
        .header("authorization", &format!("bearer {TOKEN}"));
    let shown = shown.send().await;
    assert_eq!(shown.status, 200);
    assert_eq!(shown.headers["cache-control"], "no-store");
    assert!(!shown.body.contains(TOKEN));

    let served = Served::alone().await;
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("origin", "https://evil.example"),
        ("host", "evil.example"),
    ] {
        let refused = served.get("/metrics").header(name, value).send().await;
        assert_eq!(refused.status, 403, "{name}");
    }
    assert_eq!(served.get("/metrics").send().await.status, 200);
}

#[tokio::test]
async fn it_goes_with_the_management_api() {
    let served = Served::with("server: {management: {enabled: false}}").await;
    assert_eq!(served.get("/metrics").send().await.status, 404);
}

#[tokio::test]
async fn clients_cannot_make_it_grow() {
    let backend = Backend::legacy()
        .tools(&["say"])
        .result("tools/call", json!({"content": []}));
    let unknown = |_| async { Answer::error(-32601, "no") };
    let backend = backend.on("evil/0", unknown).start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    until("the backend is ready", || served.fares() == "healthy").await;
    let session = served.session().await;
    let hostile = |number: usize| {
        [
            (
                "tools/call".to_owned(),
                json!({"name": format!("evil{number}\"}} 1\n# EOF"), "arguments": {}}),
            ),
            (format!("evil/{number}"), json!({})),
            (format!("evil\"}} {number}\nargus_evil 1"), json!({})),
            ("resources/read".to_owned(), json!({"uri": format!("evil://{number}")})),
        ]
    };
    for (method, params) in hostile(0) {
        session.call(&method, params).await;
    }
    session.tool("say").await.result();
    // The page counts itself from the second time on.
    page(&served).await;
    let before = page(&served).await;
    assert!(before.contains(r#"method="other",outcome="error""#), "{before}");
    for number in 1..20 {
        for (method, params) in hostile(number) {
            session.call(&method, params).await;
        }
        served.get(&format!("/evil/{number}")).send().await;
    }
    let after = page(&served).await;
    assert!(!after.contains("evil"), "{after}");
    // What was not asked for before is one sample of requests.
    assert_eq!(after.lines().count(), before.lines().count() + 1, "{after}");
    assert!(value(&after, r#"argus_http_requests_total{face="other",status="4xx"}"#) >= Some(19.0));
}

#[tokio::test]
async fn a_backend_that_is_away_is_told_of() {
    let (backend, served) = with_one().await;
    assert_eq!(
        value(
            &page(&served).await,
            r#"argus_backend_phase{backend="one",phase="ready"}"#
        ),
        Some(1.0)
    );
    assert_eq!(
        value(
            &page(&served).await,
            r#"argus_catalogue_capabilities{backend="one",kind="prompts"}"#
        ),
        Some(1.0)
    );
    backend.streams(1).await;
    backend.set_dead(true);
    becomes(&served, r#"argus_backend_up{backend="one"}"#, 0.0).await;
    assert_eq!(
        value(
            &page(&served).await,
            r#"argus_backend_phase{backend="one",phase="ready"}"#
        ),
        Some(0.0)
    );
    let attempts = r#"argus_backend_failed_connection_attempts_total{backend="one"}"#;
    while value(&page(&served).await, attempts) == Some(0.0) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    backend.set_dead(false);
    becomes(&served, r#"argus_backend_up{backend="one"}"#, 1.0).await;
    becomes(&served, r#"argus_backend_reconnects_total{backend="one"}"#, 1.0).await;
}

#[tokio::test]
async fn who_is_connected_is_counted() {
    let served = Served::alone().await;
    let sessions = |era: &str, transport: &str| format!(r#"argus_sessions{{era="{era}",transport="{transport}"}}"#);
    let first = served.session().await;
    let _second = served.session().await;
    let connection = served.sse_of("2024-11-05", json!({})).await;
    served.modern("tools/list", json!({})).send().await;
    let page = page(&served).await;
    assert_eq!(value(&page, &sessions("legacy", "streamable-http")), Some(2.0));
    assert_eq!(value(&page, &sessions("legacy", "sse")), Some(1.0));
    assert_eq!(value(&page, &sessions("legacy", "stdio")), Some(0.0));
    assert_eq!(value(&page, &sessions("modern", "streamable-http")), Some(1.0));
    first.delete().send().await;
    drop(connection);
    becomes(&served, &sessions("legacy", "streamable-http"), 1.0).await;
    becomes(&served, &sessions("legacy", "sse"), 0.0).await;
}

#[tokio::test]
async fn calls_in_flight_and_waiting_are_counted_and_how_long_they_waited() {
    let backend = Backend::legacy().tools(&["say"]).silent("tools/call").start().await;
    let served = Served::backends(&[backend.yaml("one", ", max_concurrent_calls: 1")]).await;
    until("the backend is ready", || served.fares() == "healthy").await;
    let session = served.session().await;
    let call = |id: u64| session.ask_as(json!(id), "tools/call", json!({"name": "say", "arguments": {}}));
    let (first, second) = (tokio::spawn(call(1).open()), tokio::spawn(call(2).open()));
    becomes(&served, r#"argus_calls_waiting{backend="one"}"#, 1.0).await;
    assert_eq!(
        value(&page(&served).await, r#"argus_calls_in_flight{backend="one"}"#),
        Some(1.0)
    );
    for id in [1, 2] {
        session
            .notify("notifications/cancelled", json!({"requestId": id}))
            .await;
    }
    becomes(&served, r#"argus_calls_in_flight{backend="one"}"#, 0.0).await;
    let cancelled = r#"{backend="one",method="tools/call",outcome="cancelled"}"#;
    becomes(&served, &format!("argus_calls_total{cancelled}"), 2.0).await;
    let page = page(&served).await;
    assert_eq!(
        value(&page, &format!("argus_call_duration_seconds_count{cancelled}")),
        Some(2.0)
    );
    assert_eq!(
        value(&page, r#"argus_call_wait_seconds_count{backend="one",reason="turn"}"#),
        Some(1.0)
    );
    first.abort();
    second.abort();
}

#[tokio::test]
async fn bytes_and_requests_on_the_port_are_counted() {
    let served = Served::alone().await;
    let before = page(&served).await;
    let answered = served.get("/manage/v1/status").send().await;
    let length = answered.body.len();
    let after = page(&served).await;
    let grew = |name: &str| value(&after, name).unwrap() - value(&before, name).unwrap();
    // The page of before is one of the answers between the two.
    assert!(grew("argus_http_sent_bytes_total") >= (before.len() + length) as f64);
    assert!(grew("argus_http_received_bytes_total") > 50.0);
    assert_eq!(
        value(&after, r#"argus_http_requests_total{face="manage",status="2xx"}"#),
        Some(1.0)
    );
    assert_eq!(
        value(&after, r#"argus_http_requests_total{face="metrics",status="2xx"}"#),
        Some(1.0)
    );
}
