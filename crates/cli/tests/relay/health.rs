//! Backends that hang: the management API tells the truth of them, they are not called meanwhile, and they come back.

use std::time::{Duration, Instant};

use argus_testkit::{Client, Journal, is_gone};
use futures::future::join_all;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::world::{Running, World, message, tool};

const INTERVAL: f64 = 0.5;
const TIMEOUT: f64 = 1.0;
const FAILURES: u32 = 3;
/// How soon a change has to be seen, on a busy machine.
const SOON: Duration = Duration::from_secs(15);

fn signal(pid: u32, signal: Signal) {
    // It may have ended meanwhile.
    let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
}

/// The processes of a backend that live.
fn living(journal: &Journal) -> Vec<u32> {
    let started = journal.all("start").into_iter().map(|entry| entry.pid);
    started.filter(|pid| !is_gone(*pid)).collect()
}

fn watched(world: &mut World, name: &str) {
    world.backend(
        name,
        "health",
        json!({"interval": INTERVAL, "timeout": TIMEOUT, "failures": FAILURES, "cooldown": 60}),
    );
}

async fn get(client: &Client, path: &str) -> Value {
    serde_json::from_str(&client.page(&format!("/manage/v1/{path}")).await).unwrap()
}

async fn backend(client: &Client, name: &str) -> Value {
    let all = get(client, "backends").await;
    let mut all = all["backends"].as_array().unwrap().iter();
    all.find(|one| one["name"] == name).unwrap().clone()
}

/// Waits until a backend is as it should be; says after how long.
async fn becomes(client: &Client, name: &str, limit: Duration, is: impl Fn(&Value) -> bool) -> Duration {
    let began = Instant::now();
    loop {
        let now = backend(client, name).await;
        if is(&now) {
            return began.elapsed();
        }
        assert!(began.elapsed() < limit, "{name} after {limit:?}: {now}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The events of a backend, in order.
async fn events(client: &Client, name: &str) -> Vec<Value> {
    let all = get(client, "events?limit=1000").await;
    let events = all["events"].as_array().unwrap().iter();
    events.filter(|event| event["backend"] == name).cloned().collect()
}

/// What was told of a backend, in order.
async fn stages(client: &Client, name: &str) -> Vec<String> {
    let events = events(client, name).await;
    let stages = events.iter().map(|event| event["stage"].as_str().unwrap().to_owned());
    stages.collect()
}

/// Waits until it was told that a backend is degraded because of this, which it may not be for long.
async fn degrades(client: &Client, name: &str, cause: &str) {
    let is_it = |event: &Value| {
        event["stage"] == "backend_degraded" && event["message"].as_str().is_some_and(|message| message.contains(cause))
    };
    let began = Instant::now();
    while !events(client, name).await.iter().any(is_it) {
        assert!(began.elapsed() < SOON, "{name}: {:?}", events(client, name).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn well(one: &Value) -> bool {
    one["health"]["status"] == "healthy" && one["state"] == "connected"
}

fn unhealthy(one: &Value) -> bool {
    one["health"]["status"] == "unhealthy"
}

/// How long it may take until a backend that says nothing is unhealthy.
fn verdict_within() -> Duration {
    Duration::from_secs_f64((INTERVAL + TIMEOUT) * f64::from(FAILURES)) + SOON / 2
}

async fn stopped_and_continued(kind: &str) {
    let mut world = World::new();
    let journal = match kind {
        "sse" => world.sse("odd", &["sane"]),
        _ => world.http("odd", &["sane"]),
    };
    watched(&mut world, "odd");
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let pid = living(&journal)[0];
    signal(pid, Signal::SIGSTOP);
    becomes(&client, "odd", SOON, |one| !well(one)).await;
    becomes(&client, "odd", verdict_within(), unhealthy).await;
    let began = Instant::now();
    let error = client.error("tools/call", &tool("hello", "{}")).await;
    // It would be much longer if it were called.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let said = message(&error);
    // It is asked meanwhile, which fails too.
    let failures = said
        .strip_prefix("backend `odd`: not called after ")
        .and_then(|rest| rest.split_once(" failures in a row")?.0.parse::<u32>().ok());
    assert!(failures.is_some_and(|failures| failures >= FAILURES), "{error}");
    signal(pid, Signal::SIGCONT);
    becomes(&client, "odd", SOON, well).await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let told = stages(&client, "odd").await;
    let place = |stage: &str| told.iter().position(|told| told == stage);
    let turns = ["backend_degraded", "breaker_open", "breaker_closed"].map(place);
    assert!(turns.iter().all(Option::is_some) && turns.is_sorted(), "{told:?}");
    // Where the connection was given up meanwhile, it is ready anew.
    let good = ["backend_recovered", "backend_ready"].map(|stage| told.iter().rposition(|told| told == stage));
    assert!(good.into_iter().max().flatten() > turns[0], "{told:?}");
    running.stop();
}

#[tokio::test]
async fn a_stopped_process_behind_http_is_unhealthy_until_it_goes_on() {
    stopped_and_continued("http").await;
}

#[tokio::test]
async fn a_stopped_process_behind_sse_is_unhealthy_until_it_goes_on() {
    stopped_and_continued("sse").await;
}

#[tokio::test]
async fn a_stopped_process_over_stdio_is_replaced() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["sane"]);
    watched(&mut world, "odd");
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let before = living(&journal);
    for pid in &before {
        signal(*pid, Signal::SIGSTOP);
    }
    becomes(&client, "odd", SOON, |one| !well(one)).await;
    // Told to end, they do not hear it: they are killed after a while.
    let limit = verdict_within() + Duration::from_secs(10);
    let gone = argus_testkit::until(limit, || before.iter().all(|pid| is_gone(*pid))).await;
    assert!(gone, "{}", running.said());
    becomes(&client, "odd", SOON, well).await;
    client.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn the_process_that_serves_calls_is_watched_too() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["sane"]);
    watched(&mut world, "odd");
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let called = journal.messages("tools/call").last().unwrap().pid;
    assert!(living(&journal).len() > 1, "the lists come from another process");
    signal(called, Signal::SIGSTOP);
    becomes(&client, "odd", SOON, |one| one["phase"] == "Degraded").await;
    let replaced = argus_testkit::until(verdict_within() + Duration::from_secs(10), || is_gone(called));
    assert!(replaced.await, "{}", running.said());
    becomes(&client, "odd", SOON * 2, well).await;
    client.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn a_process_that_is_at_work_is_left_alone() {
    let mut world = World::new();
    let gate = world.file("gate");
    let mut script = std::collections::BTreeMap::new();
    script.insert("tools/call work", json!([{"gate": gate}, {"result": {"content": []}}]));
    let script = world.script("odd", &json!(script).to_string());
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    world.backend(
        "odd",
        "health",
        json!({"interval": 0.1, "timeout": 2, "failures": 1, "cooldown": 60}),
    );
    let running = world.start();
    let client = running.plain().await;
    let watching = running.plain().await;
    let work = tool("work", "{}");
    let working = client.result("tools/call", &work);
    let stopping = async {
        let pid = journal.message("tools/call").await.unwrap().pid;
        signal(pid, Signal::SIGSTOP);
        becomes(&watching, "odd", SOON, |one| one["phase"] == "Degraded").await;
        // Long enough to be asked once more in vain.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let now = backend(&watching, "odd").await;
        assert_eq!(
            (&now["phase"], &now["breaker"]["state"]),
            (&json!("Degraded"), &json!("closed"))
        );
        std::fs::write(&gate, "").unwrap();
        signal(pid, Signal::SIGCONT);
    };
    futures::join!(working, stopping);
    becomes(&watching, "odd", SOON, well).await;
    running.stop();
}

#[tokio::test]
async fn a_process_that_hangs_is_replaced_though_clients_go_on_calling() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["sane"]);
    watched(&mut world, "odd");
    world.backend("odd", "timeouts", json!({"call": 3}));
    let running = world.start();
    let first = running.plain().await;
    first.result("tools/call", &tool("hello", "{}")).await;
    let before = living(&journal);
    for pid in &before {
        signal(*pid, Signal::SIGSTOP);
    }
    let began = Instant::now();
    let limit = Duration::from_secs(3) + verdict_within() + Duration::from_secs(10);
    // None of them leaves it alone until it answers.
    let calling = (0..4).map(|_| async {
        let client = running.plain().await;
        while !client
            .call("tools/call", &tool("hello", "{}"))
            .await
            .contains("\"result\"")
        {
            assert!(began.elapsed() < limit, "{}", running.said());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    join_all(calling).await;
    let told = stages(&first, "odd").await;
    assert!(told.iter().any(|told| told == "breaker_open"), "{told:?}");
    let gone = argus_testkit::until(Duration::from_secs(10), || before.iter().all(|pid| is_gone(*pid))).await;
    assert!(gone, "{}", running.said());
    running.stop();
}

#[tokio::test]
async fn a_process_that_was_at_work_is_well_when_its_call_ends() {
    let mut world = World::new();
    let gate = world.file("gate");
    let script = json!({"tools/call work": [{"gate": gate}, {"result": {"content": []}}]});
    let script = world.script("odd", &script.to_string());
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    // The next question comes much later than the end of the call.
    world.backend("odd", "health", json!({"interval": 8, "timeout": 1}));
    let running = world.start();
    let (client, watching) = (running.plain().await, running.plain().await);
    let work = tool("work", "{}");
    let working = client.result("tools/call", &work);
    let stopping = async {
        let pid = journal.message("tools/call").await.unwrap().pid;
        signal(pid, Signal::SIGSTOP);
        let degraded = Duration::from_secs(8) + SOON;
        becomes(&watching, "odd", degraded, |one| one["phase"] == "Degraded").await;
        std::fs::write(&gate, "").unwrap();
        signal(pid, Signal::SIGCONT);
    };
    futures::join!(working, stopping);
    becomes(&watching, "odd", Duration::from_secs(5), well).await;
    let told = stages(&watching, "odd").await;
    assert!(
        told.ends_with(&["backend_degraded".to_owned(), "backend_recovered".to_owned()]),
        "{told:?}"
    );
    running.stop();
}

#[tokio::test]
async fn where_nobody_asks_calls_tell_of_a_process_that_hangs() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["sane"]);
    world.backend("odd", "timeouts", json!({"call": 2}));
    world.backend(
        "odd",
        "health",
        json!({"enabled": false, "failures": 2, "cooldown": 60}),
    );
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let before = living(&journal);
    for pid in &before {
        signal(*pid, Signal::SIGSTOP);
    }
    for _ in 0..2 {
        let error = client.error("tools/call", &tool("hello", "{}")).await;
        assert!(message(&error).contains("no answer within 2 s"), "{error}");
    }
    becomes(&client, "odd", Duration::from_secs(10), |one| {
        well(one) && one["breaker"]["state"] == "closed"
    })
    .await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let gone = argus_testkit::until(Duration::from_secs(10), || before.iter().all(|pid| is_gone(*pid))).await;
    assert!(gone, "{}", running.said());
    running.stop();
}

/// A backend behind HTTP that answers well until `sicken` is called, then with `sick` whatever it is asked, 29 times.
fn sickens(world: &mut World, sick: &Value) {
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"}});
    let tools = json!([{"name": "hello", "inputSchema": {"type": "object"}}, {"name": "sicken", "inputSchema": {"type": "object"}}]);
    let good = json!({
        "initialize": [{"result": hello}],
        "ping": [{"result": {}}],
        "tools/list": [{"result": {"tools": tools}}],
        "tools/call hello": [{"result": {"content": []}}],
        "tools/call sicken": [{"turn": true}, {"result": {"content": []}}],
        "server/discover": [{"error": {"code": -32601, "message": "unknown"}}],
    });
    let mut script = good.as_object().unwrap().clone();
    for (method, well) in good.as_object().unwrap() {
        let mut steps = vec![json!({"turn": true})];
        steps.extend(sick.as_array().unwrap().iter().cloned());
        script.insert(format!("{method}#1"), steps.into());
        script.insert(format!("{method}#30"), well.clone());
    }
    let script = world.script("odd", &Value::Object(script).to_string());
    world.http("odd", &["verbatim", "--json", "--script", &script]);
    // What it says comes at once: nothing but that is to count against it.
    world.backend(
        "odd",
        "health",
        json!({"interval": INTERVAL, "timeout": 5, "failures": FAILURES, "cooldown": 60}),
    );
}

#[tokio::test]
async fn errors_and_pages_in_place_of_answers_are_no_answers() {
    let page = json!([{"type": "text/html"}, {"result": {}}]);
    let sick = [
        ("answered 500", json!([{"status": 500}])),
        ("answered 401", json!([{"status": 401}])),
        ("answered 200 OK without", page),
    ];
    for running in join_all(sick.map(answers_sickly)).await {
        running.stop();
    }
}

async fn answers_sickly((cause, steps): (&str, Value)) -> Running {
    let mut world = World::new();
    sickens(&mut world, &steps);
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    // Asked once, so that it is known that it answers.
    let asked = |one: &Value| one["health"]["last_check"].is_string() && well(one);
    becomes(&client, "odd", SOON, asked).await;
    tokio::time::sleep(Duration::from_secs_f64(INTERVAL)).await;
    client.result("tools/call", &tool("sicken", "{}")).await;
    degrades(&client, "odd", cause).await;
    becomes(&client, "odd", SOON, |one| {
        one["error"].as_str().is_some_and(|error| error.contains(cause))
    })
    .await;
    let error = client.error("tools/call", &tool("hello", "{}")).await;
    assert!(message(&error).contains(cause), "{error}");
    becomes(&client, "odd", verdict_within(), unhealthy).await;
    becomes(&client, "odd", Duration::from_secs(60), well).await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let told = stages(&client, "odd").await;
    for stage in ["backend_degraded", "breaker_open", "breaker_closed"] {
        assert!(told.iter().any(|told| told == stage), "{cause}: {told:?}");
    }
    running
}

#[tokio::test]
async fn one_who_is_asked_too_often_is_left_in_peace() {
    let mut world = World::new();
    sickens(&mut world, &json!([{"status": 429}]));
    world.backend(
        "odd",
        "health",
        json!({"interval": 0.2, "timeout": 5, "failures": 2, "cooldown": 60}),
    );
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("sicken", "{}")).await;
    degrades(&client, "odd", "answered 429").await;
    becomes(&client, "odd", SOON * 2, well).await;
    let told = stages(&client, "odd").await;
    assert!(
        !told
            .iter()
            .any(|told| told == "breaker_open" || told == "backend_disconnected"),
        "{told:?}"
    );
    running.stop();
}
