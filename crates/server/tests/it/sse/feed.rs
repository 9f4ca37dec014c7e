//! What a client hears outside its calls.

use serde_json::json;

use crate::support::{Backend, Served, until};

/// A backend that says that its lists change.
async fn changing() -> (Backend, Served) {
    let backend = Backend::legacy()
        .capabilities(json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}}))
        .tools(&["a"])
        .resources(&["x://1"])
        .result("resources/subscribe", json!({}))
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    (backend, served)
}

#[tokio::test]
async fn list_changes_arrive_after_the_new_list_is_there() {
    let (backend, served) = changing().await;
    let mut client = served.sse_of("2024-11-05", json!({})).await;
    backend.streams(1).await;
    backend.set_tools(&["b"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    let told = client.stream.notification("notifications/tools/list_changed").await;
    assert_eq!(
        told,
        json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    );
    assert_eq!(
        client.call("tools/list", json!({})).await["result"]["tools"][0]["name"],
        "b"
    );
}

#[tokio::test]
async fn updates_reach_only_the_connection_that_subscribed() {
    let (backend, served) = changing().await;
    let mut one = served.sse_of("2025-11-25", json!({})).await;
    let mut two = served.sse_of("2025-11-25", json!({})).await;
    assert_eq!(
        one.call("resources/subscribe", json!({"uri": "x://1"})).await["result"],
        json!({})
    );
    // The catalogue's stream and that of the shared connection.
    backend.streams(2).await;
    backend.tell("notifications/resources/updated", json!({"uri": "x://1", "n": 1.0}));
    let told = one.stream.notification("notifications/resources/updated").await;
    assert_eq!(told["params"], json!({"uri": "x://1", "n": 1.0}));
    backend.set_tools(&["b"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    assert_eq!(two.message().await["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn a_backend_may_ask_outside_calls() {
    let (backend, served) = changing().await;
    let mut client = served.sse_of("2025-11-25", json!({"roots": {}})).await;
    client.call("resources/subscribe", json!({"uri": "x://1"})).await;
    backend.streams(2).await;
    backend.ask_standing("r1", "roots/list");
    let ask = client.stream.notification("roots/list").await;
    client.answer(&ask["id"], json!({"roots": []})).await;
    let answered = json!({"jsonrpc": "2.0", "id": "r1", "result": {"roots": []}});
    until("the answer", || {
        backend.seen("response").iter().any(|seen| seen.message == answered)
    })
    .await;
}
