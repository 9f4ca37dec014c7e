//! What an operator does with a running gateway.

use std::time::{Duration, Instant};

use argus_testkit::{Client, until};
use serde_json::{Value, json};

use crate::ends::{assert_all_gone, processes};
use crate::world::{World, tool};

async fn manage(client: &Client, path: &str, body: &str) -> (u16, Value) {
    let (status, text) = client.post_to(&format!("/manage/v1/{path}"), body).await;
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn shutdown_lets_a_call_finish_and_leaves_nothing() {
    let mut world = World::new();
    let gate = world.file("gate");
    let script = world.script(
        "odd",
        &format!(r#"{{"tools/call wait": [{{"gate": {gate:?}}}, {{"result": {{"done":1.0}}}}]}}"#),
    );
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    world.server("shutdown_timeout", 1);
    let mut running = world.start();
    let client = running.plain().await;
    let wait = tool("wait", "{}");
    let stopping = async {
        assert!(until(Duration::from_secs(10), || journal.messages("tools/call").len() == 1).await);
        let answered = manage(&running.modern(), "shutdown", r#"{"timeout_seconds":60}"#).await;
        assert_eq!(answered, (200, json!({"shutting_down": true})));
        // Longer than server.shutdown_timeout: the request decides.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        std::fs::write(&gate, "").unwrap();
    };
    let (answer, ()) = futures::join!(client.call("tools/call", &wait), stopping);
    assert!(answer.contains(r#""result":{"done":1.0}"#), "{answer}");
    let status = running.gateway().wait(Duration::from_secs(5));
    assert_eq!(status.code(), Some(0));
    assert_all_gone(&processes(&[journal]), Duration::from_secs(2)).await;
}

#[tokio::test]
async fn shutdown_cuts_off_what_does_not_end() {
    let mut world = World::new();
    let journal = world.stdio("silent", &["never-answers"]);
    world.server("shutdown_timeout", 600);
    let mut running = world.start();
    let client = running.plain().await;
    let call = tokio::spawn(async move { client.open("tools/call", &tool("wait", "{}")).await.answer().await });
    assert!(until(Duration::from_secs(10), || journal.messages("tools/call").len() == 1).await);
    let began = Instant::now();
    assert_eq!(
        manage(&running.modern(), "shutdown", r#"{"timeout_seconds":1}"#)
            .await
            .0,
        200
    );
    let status = running.gateway().wait(Duration::from_secs(8));
    assert_eq!(status.code(), Some(0));
    assert!(began.elapsed() >= Duration::from_secs(1), "the call had no time");
    assert!(call.await.unwrap().contains("backend `silent`"));
    assert_all_gone(&processes(&[journal]), Duration::from_secs(2)).await;
}

#[tokio::test]
async fn calls_reach_processes_and_are_cancelled() {
    let mut world = World::new();
    let script = r#"{"tools/call say": [{"result": {"content":[{"type":"text","text":"a","n":1.0}],"structuredContent":{"n":1e2}}}], "tools/call wait": []}"#;
    let script = world.script("odd", script);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let client = running.modern();
    let (status, text) = client.post_to("/manage/v1/tools/call", r#"{"tool":"say"}"#).await;
    assert_eq!(status, 200, "{text}");
    assert!(
        text.contains(r#""content":[{"type":"text","text":"a","n":1.0}],"structuredContent":{"n":1e2}"#),
        "{text}"
    );
    let waiting = client.post_to("/manage/v1/tools/call", r#"{"tool":"wait"}"#);
    let arrived = until(Duration::from_secs(10), || journal.messages("tools/call").len() == 2);
    tokio::select! {
        (status, text) = waiting => panic!("{status} {text}"),
        arrived = arrived => assert!(arrived, "the call does not arrive"),
    }
    let cancelled = || journal.messages("notifications/cancelled").len() == 1;
    assert!(until(Duration::from_secs(5), cancelled).await, "the call goes on");
    running.stop();
}
