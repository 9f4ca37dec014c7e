//! Backends over HTTP+SSE whose process the gateway starts.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use argus_testkit::{Journal, is_gone, until};
use insta::assert_snapshot;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::world::{World, tool};

fn processes(journal: &Journal) -> Vec<u32> {
    journal.all("start").iter().map(|entry| entry.pid).collect()
}

#[tokio::test]
async fn one_process_serves_all_connections_and_ends_with_the_gateway() {
    let mut world = World::new();
    let journal = world.sse_started("odd", &["sane", "--era", "both"]);
    let mut running = world.start();
    for client in [running.plain().await, running.askable().await, running.modern()] {
        client.result("tools/call", &tool("hello", "{}")).await;
    }
    let streams: HashSet<String> = journal
        .messages("tools/call")
        .iter()
        .map(|call| call.headers["stream"].clone())
        .collect();
    assert_eq!(streams.len(), 3, "{streams:?}");
    let [process] = processes(&journal)[..] else {
        panic!("more than one process: {:?}", processes(&journal))
    };
    running.signal(Signal::SIGTERM);
    assert_eq!(running.gateway().wait(Duration::from_secs(8)).code(), Some(0));
    assert!(is_gone(process));
}

#[tokio::test]
async fn it_is_told_to_end_and_ended_when_it_does_not() {
    let mut world = World::new();
    let journal = world.sse_started("odd", &["ignores-eof-and-sigterm"]);
    let mut running = world.start();
    running.plain().await.result("tools/call", &tool("hello", "{}")).await;
    let began = Instant::now();
    running.signal(Signal::SIGTERM);
    assert_eq!(running.gateway().wait(Duration::from_secs(8)).code(), Some(0));
    // SIGKILL comes 3 s after SIGTERM.
    assert!(began.elapsed() >= Duration::from_millis(2900), "{:?}", began.elapsed());
    assert!(is_gone(processes(&journal)[0]));
}

#[tokio::test]
async fn it_does_not_outlive_a_killed_gateway() {
    let mut world = World::new();
    let journal = world.sse_started("odd", &["ignores-eof-and-sigterm"]);
    let mut running = world.start();
    running.plain().await.result("tools/call", &tool("hello", "{}")).await;
    let process = processes(&journal)[0];
    running.signal(Signal::SIGKILL);
    running.gateway().wait(Duration::from_secs(5));
    assert!(until(Duration::from_secs(3), || is_gone(process)).await);
}

#[tokio::test]
async fn one_that_ends_fails_its_calls_with_its_last_words_and_is_started_again() {
    let mut world = World::new();
    let journal = world.sse_started("odd", &["dies-mid-call"]);
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let began = Instant::now();
    let error = client.error("tools/call", &tool("die", "{}")).await;
    assert_snapshot!(error, @r#"{"code":-32010,"message":"backend `odd`: the process ended (exit status 3); last line on stderr: out of ideas"}"#);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let again = until(Duration::from_secs(5), || processes(&journal).len() == 2);
    assert!(again.await, "it is not started again");
    client.result("tools/call", &tool("hello", "{}")).await;
    assert_eq!(processes(&journal).len(), 2);
    running.stop();
}

#[tokio::test]
async fn one_that_ends_at_once_says_why() {
    let mut world = World::new();
    world.sse_started("odd", &["exit-at-once"]);
    let running = world.start();
    let said = running.says("backend is away backend=odd");
    assert!(
        said.contains("the process ended (exit status 4); last line on stderr: no licence found"),
        "{said}"
    );
    running.stop();
}

#[tokio::test]
async fn it_is_waited_for_as_long_as_sse_startup_says() {
    let mut world = World::new();
    let journal = world.sse_started("odd", &["slow-to-start", "--after", "1200"]);
    let running = world.start();
    running.plain().await.result("tools/call", &tool("hello", "{}")).await;
    assert_eq!(processes(&journal).len(), 1);
    assert!(!running.said().contains("backend is away"), "{}", running.said());
    running.stop();

    let mut world = World::new();
    world.sse_started("odd", &["slow-to-start"]);
    world.backend("odd", "timeouts", json!({"sse_startup": 0.5}));
    let running = world.start();
    let began = Instant::now();
    let said = running.says("backend is away backend=odd");
    assert!(
        said.contains("0.5 s after the start of its process; raise timeouts.sse_startup if it needs longer"),
        "{said}"
    );
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    running.stop();
}
