//! Clients that are slow or silent. Most of the time goes by at once, so these tests are quick.

use std::pin::pin;
use std::time::Duration;

use serde_json::json;

use crate::support::{Served, Wire, pass, soon};

/// Longer than bytes are on their way.
const MOMENT: Duration = Duration::from_secs(1);
/// Longer than the gateway needs for what is due.
const DUE: Duration = Duration::from_secs(10);

/// Waits for the end of a connection, which does not come at once but within so many seconds; the gateway's last words.
async fn given_up(wire: &mut Wire, seconds: u64) -> String {
    let mut end = pin!(wire.end());
    // What was sent arrives meanwhile.
    let at_once = tokio::time::timeout(MOMENT, &mut end).await;
    assert!(at_once.is_err(), "it is given no time: {at_once:?}");
    pass(seconds).await;
    let words = tokio::time::timeout(DUE, end).await;
    words.unwrap_or_else(|_| panic!("the connection is still there after {seconds} s"))
}

#[tokio::test]
async fn a_client_that_says_nothing() {
    let served = Served::alone().await;
    given_up(&mut served.wire().await, 90).await;
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_head() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send("POST /mcp HTTP/1.1\r\nhost: localhost\r\n").await;
    given_up(&mut wire, 90).await;
}

#[tokio::test]
async fn a_client_that_drips_its_head() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send("POST /mcp HTTP/1.1\r\nhost: localhost\r\n").await;
    tokio::time::sleep(MOMENT).await;
    for _ in 0..20 {
        pass(10).await;
        wire.send("x-drip: 1\r\n").await;
        arrived().await;
    }
    let ended = tokio::time::timeout(DUE, wire.end()).await;
    assert!(ended.is_ok(), "the connection is still there");
}

/// What drips is seen before more time goes by. If not, nothing is proved, and nothing fails.
async fn arrived() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

#[tokio::test]
async fn a_client_that_does_not_finish_its_body() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    )
    .await;
    let words = given_up(&mut wire, 60).await;
    assert!(words.starts_with("HTTP/1.1 408"), "{words}");
}

#[tokio::test]
async fn a_client_that_drips_its_body() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{",
    )
    .await;
    tokio::time::sleep(MOMENT).await;
    for _ in 0..20 {
        pass(20).await;
        wire.send(" ").await;
        arrived().await;
    }
    let head = tokio::time::timeout(DUE, wire.head()).await.unwrap_or_default();
    assert!(head.starts_with("HTTP/1.1 408"), "{head:?}");
}

#[tokio::test]
async fn an_idle_connection_ends() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send("GET /manage/v1/ready HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await;
    let words = given_up(&mut wire, 90).await;
    assert!(words.starts_with("HTTP/1.1 200"), "{words}");
}

#[tokio::test]
async fn a_standing_stream_shows_every_15_seconds_that_it_lives() {
    let served = Served::alone().await;
    let session = served.session().await;
    let mut wire = served.wire().await;
    let get = format!(
        "GET /mcp HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\nmcp-session-id: {}\r\n\r\n",
        session.id
    );
    wire.send(get).await;
    wire.keeps_alive_every(15, 4).await;
}

#[tokio::test]
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
    // Until no more is taken.
    while let Ok(sent) = tokio::time::timeout(MOMENT, wire.try_send(&request)).await {
        assert!(sent, "it is given no time");
    }
    pass(30).await;
    let sent = tokio::time::timeout(MOMENT, wire.try_send(&request)).await;
    assert_ne!(sent, Ok(false), "it is given more time");
    pass(170).await;
    soon("the end of the connection", async {
        while wire.try_send(&request).await {}
    })
    .await;
    served.is_well().await;
}
