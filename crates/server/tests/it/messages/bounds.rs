//! How much one connection may have in flight.

use serde_json::json;

use crate::support::{Backend, Served};

#[tokio::test]
async fn so_many_calls_at_once_and_no_more() {
    let backend = Backend::legacy().tools(&["t"]).silent("tools/call").start().await;
    let served = Served::backends(&[backend.yaml("one", ", timeouts: {call: 600}")]).await;
    let mut client = served.sse_of("2025-03-26", json!({})).await;
    let batch = |from: usize, count: usize| {
        let calls = (from..from + count)
            .map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "t"}}));
        serde_json::Value::from_iter(calls)
    };
    for round in 0..9 {
        client.say(batch(round * 100, 100)).await;
    }
    client.say(batch(900, 90)).await;
    client.say(batch(990, 10)).await;
    client.ask(json!("one more"), "tools/call", json!({"name": "t"})).await;
    let refused = client.message().await;
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!("one more"), &json!(-32603))
    );
    let why = refused["error"]["message"].as_str().unwrap();
    assert!(why.contains("too many requests"), "{why}");
    for id in 990..1000 {
        client.notify("notifications/cancelled", json!({"requestId": id})).await;
    }
    assert_eq!(client.call("ping", json!({})).await["result"], json!({}));
}
