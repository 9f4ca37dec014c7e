//! Answers that never end: a byte now and then keeps a connection alive, but no call.

use std::time::{Duration, Instant};

use argus_testkit::{Client, Journal, until};
use futures::future::join_all;
use serde_json::json;

use crate::world::{Running, World, message, tool};

/// A backend whose calls of `drip` are answered with a byte each 200 ms.
fn dripping(more: &[&str], byte: &str) -> (Running, Journal) {
    let mut world = World::new();
    let drip = vec![json!([{"bytes": byte}, {"sleep": 200}]); 100];
    let steps: Vec<_> = drip.iter().flat_map(|pair| pair.as_array().unwrap().clone()).collect();
    let script = json!({"tools/call drip": steps, "tools/call hello": [{"result": {}}]}).to_string();
    let script = world.script("odd", &script);
    let arguments = [&["verbatim", "--script", &script], more].concat();
    let journal = world.http("odd", &arguments);
    world.backend("odd", "timeouts", json!({"call": 3}));
    (world.start(), journal)
}

/// A call that trickles ends in time, and its connection with it.
async fn given_up(client: Client, journal: &Journal) {
    let began = Instant::now();
    let error = message(&client.error("tools/call", &tool("drip", "{}")).await);
    let took = began.elapsed();
    assert_eq!(
        error,
        "backend `odd`: no answer within 3 s; raise timeouts.call if the work takes longer"
    );
    // What drips in would go on for 20 s.
    let in_time = Duration::from_millis(2990)..Duration::from_secs(15);
    assert!(in_time.contains(&took), "{took:?}");
    let closed = journal.find(|entry| entry.what == "closed" && entry.text.contains("drip"));
    assert!(closed.await.is_some(), "the connection stays open");
    client.result("tools/call", &tool("hello", "{}")).await;
}

/// In both eras, for all kinds of clients.
async fn all_given_up(more: &[&str], byte: &str) {
    for era in ["legacy", "modern"] {
        let arguments = [&["--era", era], more].concat();
        let (running, journal) = dripping(&arguments, byte);
        let clients = [running.plain().await, running.askable().await, running.modern()];
        let count = clients.len();
        join_all(clients.map(|client| given_up(client, &journal))).await;
        let closed = || {
            journal
                .all("closed")
                .iter()
                .filter(|entry| entry.text.contains("drip"))
                .count()
        };
        let all = until(Duration::from_secs(5), || closed() == count).await;
        assert!(all, "{era}: {} connections of {count} are closed", closed());
        running.stop();
    }
}

#[tokio::test]
async fn a_stream_without_the_end_of_an_event() {
    all_given_up(&[], "d").await;
}

#[tokio::test]
async fn a_stream_that_says_nothing() {
    all_given_up(&[], ":\n\n").await;
}

#[tokio::test]
async fn a_body_of_json_without_end() {
    all_given_up(&["--json"], " ").await;
}
