//! Clients that are slow or silent. Time stands still but for waiting, so these tests are quick.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::support::{Served, Wire};

/// Longer than the gateway waits for anything.
const PATIENCE: Duration = Duration::from_secs(1000);

/// Waits for the end of a connection; how long the gateway waited, and its last words.
async fn given_up(wire: &mut Wire) -> (u64, String) {
    let began = Instant::now();
    let words = tokio::time::timeout(PATIENCE, wire.end()).await.unwrap_or_default();
    (began.elapsed().as_secs(), words)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    let (waited, _) = given_up(&mut wire).await;
    assert!((1..=90).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_finish_its_head() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send("POST /mcp HTTP/1.1\r\nhost: localhost\r\n").await;
    let (waited, _) = given_up(&mut wire).await;
    assert!((1..=90).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_its_head() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send("POST /mcp HTTP/1.1\r\nhost: localhost\r\n").await;
    let began = Instant::now();
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        wire.send("x-drip: 1\r\n").await;
    }
    given_up(&mut wire).await;
    assert!(began.elapsed().as_secs() <= 200, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_finish_its_body() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    )
    .await;
    let (waited, words) = given_up(&mut wire).await;
    assert!((1..=60).contains(&waited), "{waited}");
    assert!(words.starts_with("HTTP/1.1 408"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_its_body() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{",
    )
    .await;
    let dripping = async {
        loop {
            tokio::time::sleep(Duration::from_secs(20)).await;
            wire.send(" ").await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(400), dripping).await;
    let head = wire.head().await;
    assert!(head.starts_with("HTTP/1.1 408"), "{head:?}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send("GET /manage/v1/ready HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    let (waited, words) = given_up(&mut wire).await;
    assert!(words.starts_with("HTTP/1.1 200"), "{words}");
    assert!((1..=90).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_standing_stream_shows_every_15_seconds_that_it_lives() {
    let served = Served::alone().await;
    let session = served.session().await;
    let mut wire = served.wire().await;
    let get = format!(
        "GET /mcp HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nmcp-session-id: {}\r\n\r\n",
        session.id
    );
    wire.send(get).await;
    let mut received = String::new();
    let began = Instant::now();
    while received.matches(": keep-alive").count() < 4 {
        received.push_str(&wire.some().await);
    }
    assert_eq!(began.elapsed().as_secs(), 60, "{received}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up() {
    let served = Served::alone().await;
    let session = served.session_of("2025-03-26", json!({})).await;
    let mut wire = served.wire().await;
    // The answers repeat the long ids, which soon is more than the buffers between the two take.
    let pings = (0..100).map(|id| json!({"jsonrpc": "2.0", "id": format!("{id:0>1000}"), "method": "ping"}));
    let body = serde_json::Value::from_iter(pings).to_string();
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let request = format!(
        "{head}mcp-session-id: {}\r\ncontent-length: {}\r\n\r\n{body}",
        session.id,
        body.len()
    );
    let began = Instant::now();
    while wire.try_send(&request).await {}
    assert!((30..=200).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    served.is_well().await;
}
