//! `timeouts.call`: how long a backend may be silent.

use std::time::{Duration, Instant};

use argus_testkit::{Journal, part};
use insta::assert_snapshot;
use serde_json::json;

use crate::world::{Running, World, tool};

/// `never-answers` with a limit for its calls in seconds.
fn silent(http: bool, limit: f64) -> (Running, Journal) {
    let mut world = World::new();
    let journal = if http {
        world.http("silent", &["never-answers"])
    } else {
        world.stdio("silent", &["never-answers"])
    };
    world.backend("silent", "timeouts", json!({"call": limit}));
    (world.start(), journal)
}

#[tokio::test]
async fn silence_is_an_error_that_says_what_to_do() {
    for http in [false, true] {
        let (running, journal) = silent(http, 0.4);
        for client in [running.plain().await, running.askable().await] {
            let began = Instant::now();
            let error = client.error("tools/call", &tool("wait", "{}")).await;
            let took = began.elapsed();
            assert!(
                took >= Duration::from_millis(390) && took < Duration::from_secs(20),
                "{took:?}"
            );
            insta::allow_duplicates! {
                assert_snapshot!(error, @r#"{"code":-32011,"message":"backend `silent`: no answer within 0.4 s; raise timeouts.call if the work takes longer"}"#);
            }
            let call = journal.message("tools/call").await.unwrap();
            let cancelled = journal.message("notifications/cancelled").await.unwrap();
            assert_eq!(
                part(&cancelled.params().unwrap(), "requestId"),
                part(&call.text, "id"),
                "the backend is told"
            );
        }
        running.stop();
    }
}

#[tokio::test]
async fn progress_starts_the_time_anew() {
    for http in [false, true] {
        let (running, _) = silent(http, 4.5);
        let params = r#"{"name":"progress","arguments":{},"_meta":{"progressToken":"t"}}"#;
        let messages = running.plain().await.open("tools/call", params).await.all().await;
        assert_eq!(messages.len(), 5, "{messages:?}");
        assert_eq!(part(&messages[4], "result").unwrap(), r#"{"content": []}"#);
        running.stop();
    }
}

#[tokio::test]
async fn the_time_stands_still_while_a_question_is_with_the_client() {
    for http in [false, true] {
        let (running, _) = silent(http, 4.5);
        let client = running.askable().await;
        let mut exchange = client.open("tools/call", &tool("ask", "{}")).await;
        let id = part(&exchange.next().await.unwrap(), "id").unwrap();
        let early = exchange.next_within(Duration::from_secs(5)).await;
        assert_eq!(early, None, "the call ended while its question was open");
        client
            .send(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"action":"decline"}}}}"#
            ))
            .await;
        let result = part(&exchange.answer().await, "result").unwrap();
        assert_eq!(result, r#"{"answer": {"action":"decline"}}"#);
        running.stop();
    }
}

/// A backend with resources that it does not list, and what it does when one is read.
fn with_resources(read: &str) -> String {
    format!(
        r#"{{"initialize": [{{"result": {{"protocolVersion": "2025-11-25", "capabilities": {{"resources": {{}}}}, "serverInfo": {{"name": "odd", "version": "1"}}}}}}], "resources/list": [{{"result": {{"resources": []}}}}], "resources/templates/list": [{{"result": {{"resourceTemplates": []}}}}], "resources/read": {read}}}"#
    )
}

#[tokio::test]
async fn a_silent_backend_does_not_keep_a_resource_of_another_one() {
    let mut world = World::new();
    let silent = world.script("first", &with_resources("[]"));
    let knows = world.script("second", &with_resources(r#"[{"result": {"contents": []}}]"#));
    let journal = world.stdio("first", &["verbatim", "--script", &silent]);
    world.stdio("second", &["verbatim", "--script", &knows]);
    let running = world.start();
    let began = Instant::now();
    let client = running.plain().await;
    let result = client.result("resources/read", r#"{"uri":"odd://unlisted"}"#).await;
    assert_eq!(result, r#"{"contents": []}"#);
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    assert!(
        journal.message("notifications/cancelled").await.is_some(),
        "the silent one is told"
    );
    running.stop();
}

#[tokio::test]
async fn after_the_timeout_of_a_backend_that_may_know_a_resource_the_next_is_asked() {
    let mut world = World::new();
    let silent = world.script("first", &with_resources("[]"));
    let knows = world.script("second", &with_resources(r#"[{"result": {"contents": []}}]"#));
    world.stdio("first", &["verbatim", "--script", &silent]);
    world.backend("first", "timeouts", json!({"call": 0.4}));
    world.stdio("second", &["verbatim", "--script", &knows]);
    let running = world.start();
    let client = running.plain().await;
    let result = client.result("resources/read", r#"{"uri":"odd://unlisted"}"#).await;
    assert_eq!(result, r#"{"contents": []}"#);
    running.stop();
}
