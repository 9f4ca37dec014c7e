//! A client that goes away: what it means depends on its generation.

use std::path::PathBuf;
use std::time::Duration;

use argus_testkit::{Client, Journal, is_gone, part, until};

use crate::world::{Running, World, tool};

/// A backend whose tool `wait` answers when a file is there.
fn waiting(http: bool, era: &str) -> (Running, Journal, PathBuf) {
    let mut world = World::new();
    let gate = world.file("gate");
    let script = format!(
        r#"{{"tools/call wait": [{{"notify": "notifications/message", "params": {{"level":"info","data":1}}}}, {{"gate": {gate:?}}}, {{"result": {{}}}}],
        "tools/call hello": [{{"result": {{}}}}]}}"#
    );
    let script = world.script("odd", &script);
    let arguments = ["verbatim", "--script", &script, "--era", era];
    let journal = if http {
        world.http("odd", &arguments)
    } else {
        world.stdio("odd", &arguments)
    };
    (world.start(), journal, gate)
}

/// Calls `wait` and goes away when the backend is at work; gives the id under which the backend knows the call.
async fn call_and_leave(client: &Client, journal: &Journal) -> String {
    let mut exchange = client.open("tools/call", &tool("wait", "{}")).await;
    assert!(exchange.streams);
    exchange.next().await.unwrap();
    drop(exchange);
    part(&journal.message("tools/call").await.unwrap().text, "id").unwrap()
}

#[tokio::test]
async fn a_modern_call_is_cancelled_over_stdio() {
    for era in ["modern", "legacy"] {
        let (running, journal, _) = waiting(false, era);
        let id = call_and_leave(&running.modern(), &journal).await;
        let cancelled = journal.message("notifications/cancelled").await.expect("not cancelled");
        assert_eq!(part(&cancelled.params().unwrap(), "requestId").unwrap(), id, "{era}");
        running.stop();
    }
}

#[tokio::test]
async fn a_modern_call_is_cancelled_over_http() {
    let (running, journal, _) = waiting(true, "modern");
    call_and_leave(&running.modern(), &journal).await;
    let closed = journal
        .find(|entry| entry.what == "closed")
        .await
        .expect("the stream stays open");
    assert_eq!(closed.method().as_deref(), Some("tools/call"));
    assert!(
        journal.messages("notifications/cancelled").is_empty(),
        "the revision has no such message over HTTP"
    );
    running.stop();
}

#[tokio::test]
async fn a_modern_call_is_cancelled_at_a_legacy_backend_over_http() {
    let (running, journal, _) = waiting(true, "legacy");
    let id = call_and_leave(&running.modern(), &journal).await;
    let cancelled = journal.message("notifications/cancelled").await.expect("not cancelled");
    assert_eq!(part(&cancelled.params().unwrap(), "requestId").unwrap(), id);
    running.stop();
}

#[tokio::test]
async fn a_legacy_call_goes_on() {
    for http in [false, true] {
        for own in [false, true] {
            let (running, journal, gate) = waiting(http, "legacy");
            let client = if own {
                running.askable().await
            } else {
                running.plain().await
            };
            call_and_leave(&client, &journal).await;
            // What is said to the backend after a later call would be said by now.
            for _ in 0..3 {
                client.result("tools/call", &tool("hello", "{}")).await;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(
                journal.messages("notifications/cancelled").is_empty(),
                "http: {http}, own: {own}"
            );
            assert!(journal.all("closed").is_empty(), "http: {http}, own: {own}");
            std::fs::write(gate, "").unwrap();
            running.stop();
        }
    }
}

#[tokio::test]
async fn a_legacy_call_that_is_cancelled_is_cancelled() {
    for http in [false, true] {
        let (running, journal, _) = waiting(http, "legacy");
        let client = running.plain().await;
        let mut exchange = client.open("tools/call", &tool("wait", "{}")).await;
        exchange.next().await.unwrap();
        let id = part(&journal.message("tools/call").await.unwrap().text, "id").unwrap();
        // The first request of this client was `initialize`.
        client
            .send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#)
            .await;
        let cancelled = journal.message("notifications/cancelled").await.expect("not cancelled");
        assert_eq!(part(&cancelled.params().unwrap(), "requestId").unwrap(), id);
        assert_eq!(exchange.next().await, None, "a cancelled request has no answer");
        running.stop();
    }
}

#[tokio::test]
async fn the_process_of_a_session_ends_with_the_session() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["sane"]);
    let running = world.start();
    let (staying, leaving) = (running.askable().await, running.askable().await);
    let mut own = Vec::new();
    for client in [&staying, &leaving] {
        client.result("tools/call", &tool("hello", "{}")).await;
        own.push(journal.messages("tools/call").pop().unwrap().pid);
    }
    assert_ne!(own[0], own[1]);
    assert_eq!(leaving.end().await, 204);
    assert!(
        until(Duration::from_secs(5), || is_gone(own[1])).await,
        "the process stays"
    );
    assert!(!is_gone(own[0]), "the process of another session is gone");
    staying.result("tools/call", &tool("hello", "{}")).await;
    assert_eq!(leaving.send(r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#).await, 404);
    running.stop();
}
