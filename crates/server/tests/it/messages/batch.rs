//! Batches, which only 2025-03-26 has.

use serde_json::{Value, json};

use crate::support::Served;

#[tokio::test]
async fn every_request_is_answered_by_a_message_of_its_own() {
    let served = Served::alone().await;
    let mut client = served.sse_of("2025-03-26", json!({})).await;
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        5,
        {"jsonrpc": "2.0", "id": 2, "method": "nobody/knows"},
    ]);
    client.say(batch).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        let answer = client.message().await;
        answers.push((answer["id"].clone(), answer["error"]["code"].clone()));
    }
    answers.sort_by_key(|(id, _)| id.to_string());
    let expected = [
        (json!(1), Value::Null),
        (json!(2), json!(-32601)),
        (Value::Null, json!(-32600)),
    ];
    assert_eq!(answers, expected);
}

#[tokio::test]
async fn other_revisions_have_none() {
    let served = Served::alone().await;
    let ping = json!([{"jsonrpc": "2.0", "id": 1, "method": "ping"}]);
    for version in [None, Some("2024-11-05"), Some("2025-06-18")] {
        let client = match version {
            None => served.sse().await,
            Some(version) => served.sse_of(version, json!({})).await,
        };
        let refused = client.post(ping.to_string()).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, -32600), "{version:?}");
        assert!(
            refused.body.contains(version.unwrap_or("not initialized")),
            "{}",
            refused.body
        );
    }
}

#[tokio::test]
async fn a_hundred_messages_and_no_more() {
    let served = Served::alone().await;
    let client = served.sse_of("2025-03-26", json!({})).await;
    let pings =
        |count: u64| Value::from_iter((0..count).map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "ping"})));
    assert_eq!(client.post(pings(100).to_string()).send().await.status, 202);
    let refused = client.post(pings(101).to_string()).send().await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, -32600));
}
