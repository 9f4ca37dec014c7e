//! `/metrics` tells the truth of what becomes of calls.

use std::time::{Duration, Instant};

use argus_testkit::{Client, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::reload::{manage, reload, who_and_wait};
use crate::world::{World, message, tool};

const SOON: Duration = Duration::from_secs(10);

/// The value of a sample.
pub(crate) fn value(page: &str, sample: &str) -> Option<f64> {
    let found = page
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    found.map(|value| value.parse().unwrap())
}

/// Waits until a sample has a value that will do; a sample that is not there has none.
pub(crate) async fn until_sample(client: &Client, sample: &str, does: impl Fn(f64) -> bool) {
    let began = Instant::now();
    loop {
        let page = client.page("/metrics").await;
        if value(&page, sample).is_some_and(&does) {
            return;
        }
        assert!(began.elapsed() < SOON, "{sample}: {page}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until so many calls of a backend ended in this way; gives how long they took together.
async fn ended(client: &Client, backend: &str, outcome: &str, count: u32) -> f64 {
    let labels = format!(r#"{{backend="{backend}",method="tools/call",outcome="{outcome}"}}"#);
    let began = Instant::now();
    loop {
        let page = client.page("/metrics").await;
        if value(&page, &format!("argus_calls_total{labels}")) == Some(f64::from(count)) {
            let counted = value(&page, &format!("argus_call_duration_seconds_count{labels}"));
            assert_eq!(counted, Some(f64::from(count)), "{page}");
            return value(&page, &format!("argus_call_duration_seconds_sum{labels}")).unwrap();
        }
        assert!(began.elapsed() < SOON, "{backend} {outcome} {count}: {page}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn between(seconds: f64, least: f64, most: f64) {
    assert!((least..most).contains(&seconds), "{seconds} s");
}

#[tokio::test]
async fn each_end_of_a_call_is_told_with_how_long_it_took() {
    let mut world = World::new();
    let script = r#"{
        "tools/list": [{"result": {"tools": [{"name": "works", "inputSchema": {}}, {"name": "fails", "inputSchema": {}},
            {"name": "errs", "inputSchema": {}}, {"name": "wait", "inputSchema": {}}]}}],
        "tools/call works": [{"result": {"content": [{"type": "text", "text": "\"isError\":true"}], "isError": false, "_meta": {}}}],
        "tools/call fails": [{"result": {"content": [], "isError": true}}],
        "tools/call errs": [{"error": {"code": -32603, "message": "no"}}],
        "tools/call wait": []}"#;
    let script = world.script("odd", &script.replace('\n', " "));
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    world.backend("odd", "timeouts", json!({"call": 3}));
    let running = world.start();
    let client = running.plain().await;
    for _ in 0..3 {
        client.result("tools/call", &tool("works", "{}")).await;
    }
    // The most that a busy machine may make of it; the start of a process counts, too.
    let most = 60.0;
    between(ended(&client, "odd", "ok", 3).await, 0.0, most);
    client.result("tools/call", &tool("fails", "{}")).await;
    between(ended(&client, "odd", "tool_error", 1).await, 0.0, most);
    client.error("tools/call", &tool("errs", "{}")).await;
    between(ended(&client, "odd", "error", 1).await, 0.0, most);
    client.error("tools/call", &tool("wait", "{}")).await;
    between(ended(&client, "odd", "timeout", 1).await, 2.99, most);

    let modern = running.modern();
    let wait = tool("wait", "{}");
    let waits = || {
        let calls = journal.messages("tools/call");
        calls.iter().filter(|call| call.text.contains("wait")).count() == 2
    };
    let leaving = async {
        assert!(until(SOON, waits).await, "the call does not arrive");
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    tokio::select! {
        answer = async { modern.open("tools/call", &wait).await.answer().await } => panic!("{answer}"),
        () = leaving => {}
    }
    between(ended(&client, "odd", "cancelled", 1).await, 0.2, most);

    let page = client.page("/metrics").await;
    assert_eq!(value(&page, r#"argus_calls_in_flight{backend="odd"}"#), Some(0.0));
    let starts = journal.all("start").len() as f64;
    assert_eq!(
        value(&page, r#"argus_backend_process_starts_total{backend="odd"}"#),
        Some(starts)
    );
    for bytes in ["sent", "received"] {
        let bytes = value(&page, &format!(r#"argus_backend_{bytes}_bytes_total{{backend="odd"}}"#)).unwrap();
        assert!(bytes > 500.0, "{bytes}");
    }
    assert!(value(&page, "process_resident_memory_bytes") > Some(1e6), "{page}");
    assert!(value(&page, "process_open_fds") > Some(5.0) && value(&page, "process_threads") >= Some(2.0));
    let started = value(&page, "process_start_time_seconds").unwrap();
    let age = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64() - started;
    between(age, 0.0, 600.0);
    running.stop();
}

#[tokio::test]
async fn a_backend_that_is_gone_is_unavailable_then_refused_and_after_a_reload_nowhere() {
    let mut world = World::new();
    let journal = world.http("sick", &["sane"]);
    world.backend(
        "sick",
        "health",
        json!({"interval": 3600, "failures": 2, "cooldown": 3600}),
    );
    world.stdio("well", &["sane"]);
    let mut running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    client.result("tools/call", &tool("well_hello", "{}")).await;
    let sent = client.page("/metrics").await;
    assert!(
        value(&sent, r#"argus_backend_sent_bytes_total{backend="sick"}"#) > Some(200.0),
        "{sent}"
    );
    assert!(
        value(&sent, r#"argus_backend_received_bytes_total{backend="sick"}"#) > Some(200.0),
        "{sent}"
    );

    let pid = journal.all("start")[0].pid;
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    client.error("tools/call", &tool("hello", "{}")).await;
    between(ended(&client, "sick", "unavailable", 1).await, 0.0, 30.0);
    // It is asked and connected to meanwhile, which fails too.
    let opened = r#"argus_backend_breaker_state{backend="sick",state="open"}"#;
    until_sample(&client, opened, |open| open > 0.0).await;
    client.error("tools/call", &tool("hello", "{}")).await;
    between(ended(&client, "sick", "refused", 1).await, 0.0, 30.0);
    let page = client.page("/metrics").await;
    assert_eq!(
        value(&page, r#"argus_backend_breaker_openings_total{backend="sick"}"#),
        Some(1.0)
    );
    assert_eq!(value(&page, r#"argus_backend_up{backend="sick"}"#), Some(0.0));
    assert_eq!(value(&page, r#"argus_backend_up{backend="well"}"#), Some(1.0));
    assert_eq!(
        value(&page, r#"argus_config_reloads_total{outcome="success"}"#),
        Some(0.0)
    );

    running.world().without("sick");
    // The other one is started anew, and its counts go on.
    running.world().backend("well", "env", json!({"OTHER": "1"}));
    let before = value(&page, "argus_config_last_load_success_timestamp_seconds").unwrap();
    running.rewrite();
    reload(&running);
    let page = client.page("/metrics").await;
    assert!(!page.contains("sick"), "{page}");
    let calls = r#"argus_calls_total{backend="well",method="tools/call",outcome="ok"}"#;
    assert_eq!(value(&page, calls), Some(1.0), "{page}");
    assert!(value(&page, r#"argus_config_reloads_total{outcome="success"}"#) >= Some(1.0));
    let after = value(&page, "argus_config_last_load_success_timestamp_seconds").unwrap();
    assert!(after > before, "{after}");
    client.result("tools/call", &tool("hello", "{}")).await;
    ended(&client, "well", "ok", 2).await;

    running.rewrite_as("no: configuration");
    manage(&running, "POST", "reload");
    let page = client.page("/metrics").await;
    assert!(
        value(&page, r#"argus_config_reloads_total{outcome="refused"}"#) >= Some(1.0),
        "{page}"
    );
    running.stop();
}

#[tokio::test]
async fn a_call_that_finishes_on_the_links_of_before_a_reload_is_in_flight_and_counts() {
    let mut world = World::new();
    let gate = world.file("gate");
    let script = format!(
        r#"{{"tools/list": [{{"result": {{"tools": [{{"name": "wait", "inputSchema": {{}}}}]}}}}],
            "tools/call wait": [{{"gate": {gate:?}}}, {{"result": {{"content": []}}}}]}}"#
    );
    let script = world.script("odd", &script.replace('\n', " "));
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let mut running = world.start();
    let client = running.plain().await;
    let calling = running.plain().await;
    let call = tokio::spawn(async move { calling.result("tools/call", &tool("wait", "{}")).await });
    assert!(until(SOON, || journal.messages("tools/call").len() == 1).await);
    running.world().backend("odd", "env", json!({"OTHER": "1"}));
    running.rewrite();
    reload(&running);
    let page = client.page("/metrics").await;
    assert_eq!(
        value(&page, r#"argus_calls_in_flight{backend="odd"}"#),
        Some(1.0),
        "{page}"
    );
    std::fs::write(&gate, "").unwrap();
    call.await.unwrap();
    ended(&client, "odd", "ok", 1).await;
    running.stop();
}

#[tokio::test]
async fn a_call_that_waits_for_its_turn_when_its_backend_is_disabled_is_unavailable() {
    let mut world = World::new();
    let (journal, gate) = who_and_wait(&mut world);
    world.backend("odd", "max_concurrent_calls", 1);
    let running = world.start();
    let (client, calling, waiting) = (running.plain().await, running.plain().await, running.plain().await);
    let call = tokio::spawn(async move { calling.result("tools/call", &tool("wait", "{}")).await });
    assert!(until(SOON, || journal.messages("tools/call").len() == 1).await);
    let waits = tokio::spawn(async move { waiting.error("tools/call", &tool("who", "{}")).await });
    let waiting = || manage(&running, "GET", "backends/odd").1["calls"]["waiting"] == 1;
    assert!(until(SOON, waiting).await, "it does not wait");
    assert_eq!(manage(&running, "POST", "backends/odd/disable").0, 200);
    let error = waits.await.unwrap();
    assert!(message(&error).contains("it was disabled or removed"), "{error}");
    ended(&client, "odd", "unavailable", 1).await;
    std::fs::write(&gate, "").unwrap();
    call.await.unwrap();
    ended(&client, "odd", "ok", 1).await;
    running.stop();
}
