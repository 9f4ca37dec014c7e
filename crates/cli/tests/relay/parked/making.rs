//! How calls come to a link of their own.

use std::time::Duration;

use argus_testkit::{Client, part};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{ASKABLE, Asked, Over, asked, client, world};
use crate::metrics::until_sample;
use crate::world::{World, tool};

#[tokio::test]
async fn a_slow_starter_is_ready_for_an_impatient_client_in_the_end() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["slow-to-start", "--after", "1500"]);
    world.backend("odd", "protocol", "legacy");
    let running = world.start();
    Client::modern(running.port(), "{}")
        .result("tools/call", &tool("hello", "{}"))
        .await;
    let before = journal.all("start").len();
    let client = client(&running);
    let mut answered = false;
    for _ in 0..12 {
        let call = tool("hello", "{}");
        let attempt = client.result("tools/call", &call);
        // Each attempt is over long before a process is ready.
        answered |= tokio::time::timeout(Duration::from_millis(400), attempt).await.is_ok();
    }
    assert!(answered, "the backend never gets ready");
    assert_eq!(
        journal.all("start").len(),
        before + 1,
        "each attempt starts a process of its own"
    );
    running.stop();
}

#[tokio::test]
async fn a_process_that_nobody_waits_for_makes_room() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["slow-to-start", "--after", "1500"]);
    world.backend("odd", "protocol", "legacy");
    world.backend("odd", "max_processes", 1);
    let running = world.start();
    let call = tool("hello", "{}");
    Client::modern(running.port(), "{}").result("tools/call", &call).await;
    let before = journal.all("start").len();
    let impatient = client(&running);
    let attempt = impatient.result("tools/call", &call);
    assert!(tokio::time::timeout(Duration::from_millis(400), attempt).await.is_err());
    let left = r#"argus_http_requests_total{face="mcp",status="none"}"#;
    until_sample(&impatient, left, |left| left > 0.0).await;
    let other = Client::modern(running.port(), r#"{"sampling":{}}"#);
    other.result("tools/call", &call).await;
    // Only a process of its own starts that slowly.
    assert!(journal.all("start").len() > before, "it shares: {}", running.said());
    assert!(!running.said().contains("max_processes"), "{}", running.said());
    running.stop();
}

#[tokio::test]
async fn a_call_that_is_repeated_has_the_place_of_the_process_that_died() {
    let mut world = World::new();
    let gate = world.file("gate");
    let script = format!(
        r#"{{"prompts/get ask": [{{"gate": {gate:?}}}, {{"ask": "elicitation/create", "params": {{"message":"?"}}}}, {{"result": {{"messages":[]}}}}],
            "prompts/list": [{{"result": {{"prompts": [{{"name":"ask"}}]}}}}],
            "initialize": [{{"result": {{"protocolVersion":"2025-11-25","capabilities":{{"prompts":{{}}}},"serverInfo":{{"name":"odd","version":"1"}}}}}}]}}"#
    );
    let script = world.script("odd", &script);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    world.backend("odd", "max_processes", 1);
    let running = world.start();
    let client = client(&running);
    for round in 1..=3 {
        let _ = std::fs::remove_file(&gate);
        let before = journal.messages("prompts/get").len();
        let killing = async {
            let arrived = || journal.messages("prompts/get").len() > before;
            argus_testkit::until(Duration::from_secs(10), arrived).await;
            let pid = journal.messages("prompts/get").last().unwrap().pid;
            kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
            std::fs::write(&gate, "").unwrap();
        };
        let get = r#"{"name":"ask","arguments":{}}"#;
        let (result, ()) = futures::join!(client.result("prompts/get", get), killing);
        assert!(result.contains("input_required"), "round {round}: it shares: {result}");
        let retry = Asked::of(&result).answered("ask", "{}", "{}");
        client.result("prompts/get", &retry).await;
    }
    running.stop();
}

#[tokio::test]
async fn calls_that_wait_leave_a_process_for_others() {
    for over in [Over::Stdio, Over::Sse] {
        let (mut world, _journal) = world(over);
        world.backend("odd", "max_processes", 3);
        let running = world.start();
        let client = client(&running);
        let first = asked(&client, "ask", r#"{"n":1}"#).await;
        asked(&client, "ask", r#"{"n":2}"#).await;
        // The third call has a process, and its questions are refused.
        let other = Client::modern(running.port(), ASKABLE).at("127.0.0.2".parse().unwrap());
        for _ in 0..3 {
            let result = other.result("tools/call", &tool("ask", "{}")).await;
            let answer = part(&result, "answer").unwrap();
            assert!(
                answer.contains("-32603") && answer.contains("max_processes"),
                "{over:?}: {answer}"
            );
        }
        let retry = first.answered("ask", r#"{"n":1}"#, "{}");
        client.result("tools/call", &retry).await;
        asked(&other, "ask", "{}").await;
        running.stop();
    }
}

#[tokio::test]
async fn where_there_is_one_process_a_call_may_wait_with_it() {
    let (mut world, _journal) = world(Over::Stdio);
    world.backend("odd", "max_processes", 1);
    let running = world.start();
    super::asked_and_answered(&client(&running), 1).await;
    running.stop();
}
