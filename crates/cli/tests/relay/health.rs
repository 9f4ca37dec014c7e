//! Backends that hang: the management API tells the truth of them, they are not called meanwhile, and they come back.

use std::time::{Duration, Instant};

use argus_testkit::{Client, Journal, is_gone};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::world::{Running, World, message, tool};

const INTERVAL: f64 = 0.5;
const TIMEOUT: f64 = 1.0;
const FAILURES: u32 = 3;
/// How soon a change has to be seen.
const SOON: Duration = Duration::from_secs(2);

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
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    let said = message(&error);
    assert!(
        said.starts_with("backend `odd`: not called after 3 failures in a row"),
        "{error}"
    );
    signal(pid, Signal::SIGCONT);
    becomes(&client, "odd", SOON, well).await;
    client.result("tools/call", &tool("hello", "{}")).await;
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
        json!({"interval": 0.1, "timeout": 0.2, "failures": 1, "cooldown": 60}),
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
        tokio::time::sleep(Duration::from_secs(1)).await;
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

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % end as u64).unwrap()
    }
}

/// `/health` says that so many are well.
async fn totals(running: &Running, client: &Client, healthy: usize, total: usize) {
    let began = Instant::now();
    loop {
        let health = get(client, "health").await;
        let status = if healthy == total { "healthy" } else { "degraded" };
        if health["status"] == status && health["backends"]["healthy"] == healthy {
            assert_eq!(health["backends"]["total"], total);
            return;
        }
        assert!(
            began.elapsed() < SOON,
            "{healthy} of {total}: {health}\n{}",
            running.said()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn under_kills_and_stops_health_and_backends_tell_the_truth() {
    let mut world = World::new();
    let journals = [
        ("one", world.stdio("one", &["sane"])),
        ("two", world.stdio("two", &["sane"])),
        ("three", world.http("three", &["sane"])),
        ("four", world.sse("four", &["sane"])),
    ];
    for (name, _) in &journals {
        watched(&mut world, name);
    }
    world.strategy("prefix");
    let running = world.start();
    let client = running.plain().await;
    for (name, _) in &journals {
        client.result("tools/call", &tool(&format!("{name}_hello"), "{}")).await;
        becomes(&client, name, SOON, well).await;
    }
    let mut dice = Dice(20_260_728);
    let began = Instant::now();
    let mut changes = 0;
    while began.elapsed() < Duration::from_secs(20) {
        let (name, journal) = &journals[dice.below(journals.len())];
        let pids = living(journal);
        let pid = pids[dice.below(pids.len())];
        let is_process = matches!(*name, "one" | "two");
        if is_process && dice.below(2) == 0 {
            signal(pid, Signal::SIGKILL);
            // It is started again at once.
            becomes(&client, name, SOON, well).await;
        } else {
            signal(pid, Signal::SIGSTOP);
            becomes(&client, name, SOON, |one| !well(one)).await;
            totals(&running, &client, journals.len() - 1, journals.len()).await;
            let others = journals.iter().filter(|(other, _)| other != name);
            for (other, _) in others {
                assert!(well(&backend(&client, other).await), "{other} suffers with {name}");
            }
            tokio::time::sleep(Duration::from_millis(dice.below(1500) as u64)).await;
            signal(pid, Signal::SIGCONT);
        }
        becomes(&client, name, SOON, well).await;
        totals(&running, &client, journals.len(), journals.len()).await;
        changes += 1;
    }
    assert!(changes >= 5, "{changes}");
    for (name, _) in &journals {
        client.result("tools/call", &tool(&format!("{name}_hello"), "{}")).await;
    }
    running.stop();
}
