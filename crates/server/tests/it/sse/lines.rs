//! The log: one line per request.

use serde_json::json;

use crate::mcp::lines::{Lines, line};
use crate::support::{Backend, Served};

#[tokio::test]
async fn a_connection_from_its_beginning_to_its_end() {
    let (lines, _guard) = Lines::collect();
    let served = Served::alone().await;
    let mut client = served.sse_of("2024-11-05", json!({})).await;
    let begun = [
        line("initialize", "result", None),
        line("notifications/initialized", "accepted", None),
    ];
    assert_eq!(lines.take(2).await, begun);
    client.call("unknown", json!({})).await;
    client.post("{").send().await;
    assert_eq!(
        lines.take(2).await,
        [line("unknown", "error", None), line("-", "refused", 400)]
    );
    drop(client);
    assert_eq!(lines.take(1).await, [line("GET", "dropped", None)]);
}

#[tokio::test]
async fn a_cancelled_request_is_told_from_one_that_was_left() {
    let backend = Backend::both().tools(&["t"]).silent("tools/call").start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let client = served.sse_of("2024-11-05", json!({})).await;
    let (lines, _guard) = Lines::collect();
    let cancelled = [
        line("notifications/cancelled", "accepted", None),
        line("tools/call", "cancelled", None),
    ];
    for id in ["legacy", "modern"] {
        if id == "legacy" {
            client.ask(json!(id), "tools/call", json!({"name": "t"})).await;
        } else {
            client.ask_modern(json!(id), "tools/call", json!({"name": "t"})).await;
        }
        client.notify("notifications/cancelled", json!({"requestId": id})).await;
        let mut taken = lines.take(2).await;
        taken.sort_by_key(|(method, ..)| method.clone());
        assert_eq!(taken, cancelled, "{id}");
    }
    client.ask_modern(json!(1), "tools/call", json!({"name": "t"})).await;
    drop(client);
    let mut left = lines.take(2).await;
    left.sort_by_key(|(method, ..)| method.clone());
    assert_eq!(
        left,
        [line("GET", "dropped", None), line("tools/call", "dropped", None)]
    );
}
