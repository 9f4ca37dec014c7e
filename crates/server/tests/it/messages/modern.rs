//! Messages of modern clients, which stand alone here as on stdio.

use serde_json::{Value, json};

use crate::support::{Backend, Served, until};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

async fn before(backend: &Backend) -> Served {
    Served::backends(&[backend.yaml("one", "")]).await
}

#[tokio::test]
async fn discover_and_call_without_a_handshake() {
    let backend = Backend::modern()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            call.progress(1);
            json!({"resultType": "complete", "content": [], "n": 1.0})
        })
        .start()
        .await;
    let served = before(&backend).await;
    let mut client = served.sse().await;
    client.ask_modern(json!("d"), "server/discover", json!({})).await;
    let discovered = client.message().await;
    assert_eq!(discovered["id"], "d");
    assert_eq!(discovered["result"]["supportedVersions"][0], "2026-07-28");
    let params = json!({"name": "t", "_meta": {"progressToken": 5}});
    client.ask_modern(json!(1), "tools/call", params).await;
    assert_eq!(
        client.message().await["params"],
        json!({"progressToken": 5, "progress": 1})
    );
    let expected = json!({"resultType": "complete", "content": [], "n": 1.0});
    assert_eq!(client.message().await["result"], expected);
}

#[tokio::test]
async fn errors_come_on_the_stream() {
    let served = Served::alone().await;
    let mut client = served.sse().await;
    for (method, version, code) in [
        ("initialize", "2026-07-28", -32601),
        ("ping", "2026-07-28", -32601),
        ("tools/list", "2199-01-01", -32022),
    ] {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        client.ask(json!(1), method, json!({"_meta": meta})).await;
        let refused = client.message().await;
        assert_eq!(
            (&refused["id"], &refused["error"]["code"]),
            (&json!(1), &json!(code)),
            "{method}"
        );
    }
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28"});
    client.ask(json!(2), "tools/list", json!({"_meta": meta})).await;
    assert_eq!(client.message().await["error"]["code"], -32602);
}

#[tokio::test]
async fn both_eras_on_one_connection() {
    let backend = Backend::both()
        .tools(&["t"])
        .result("tools/call", json!({"content": []}))
        .start()
        .await;
    let served = before(&backend).await;
    let mut client = served.sse_of("2025-11-25", json!({})).await;
    client.ask_modern(json!(1), "tools/list", json!({})).await;
    assert_eq!(client.message().await["result"]["resultType"], "complete");
    assert_eq!(client.call("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn a_call_is_cancelled_by_name() {
    let backend = Backend::modern().tools(&["t"]).silent("tools/call").start().await;
    let served = before(&backend).await;
    let mut client = served.sse().await;
    client.ask_modern(json!("1"), "tools/call", json!({"name": "t"})).await;
    client.ask_modern(json!(1), "tools/call", json!({"name": "t"})).await;
    until("two calls", || backend.seen("tools/call").len() == 2).await;
    client.ask_modern(json!(1), "tools/list", json!({})).await;
    assert_eq!(client.message().await["error"]["code"], -32600, "the id is in use");
    client.notify("notifications/cancelled", json!({"requestId": 1})).await;
    until("the backend is left", || backend.given_up() == 1).await;
    // No response, and the id is free.
    client.ask_modern(json!(1), "tools/list", json!({})).await;
    assert_eq!(client.message().await["result"]["tools"][0]["name"], "t");
    assert_eq!(backend.given_up(), 1);
}

#[tokio::test]
async fn a_listener_hears_and_is_cancelled_by_name() {
    let backend = Backend::modern()
        .capabilities(json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}}))
        .tools(&["a"])
        .resources(&["x://1"])
        .start()
        .await;
    let served = before(&backend).await;
    // The gateway's own listener.
    backend.streams(1).await;
    let mut client = served.sse().await;
    let wanted = json!({"toolsListChanged": true, "resourceSubscriptions": ["x://1"]});
    client
        .ask_modern(json!("s"), "subscriptions/listen", json!({"notifications": wanted}))
        .await;
    let acknowledged = client.message().await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(
        acknowledged["params"],
        json!({"notifications": wanted, "_meta": {SUBSCRIPTION: "s"}})
    );
    backend.streams(2).await;
    backend.tell("notifications/resources/updated", json!({"uri": "x://1"}));
    let told = client.message().await;
    assert_eq!(told["params"], json!({"uri": "x://1", "_meta": {SUBSCRIPTION: "s"}}));
    client
        .notify("notifications/cancelled", json!({"requestId": "s"}))
        .await;
    backend.streams_ended(1).await;
    backend.set_tools(&["b"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    let mut listed: Value = Value::Null;
    while listed != "b" {
        client.ask_modern(json!(1), "tools/list", json!({})).await;
        listed = client.message().await["result"]["tools"][0]["name"].take();
    }
}

#[tokio::test]
async fn a_listener_ends_with_a_result_when_the_gateway_stops() {
    let served = Served::alone().await;
    let mut client = served.sse().await;
    let params = json!({"notifications": {"toolsListChanged": true}});
    client.ask_modern(json!(9), "subscriptions/listen", params).await;
    client.message().await;
    served.stop();
    let result = client.message().await["result"].take();
    assert_eq!(
        (&result["resultType"], &result["_meta"][SUBSCRIPTION]),
        (&json!("complete"), &json!(9))
    );
    assert_eq!(client.stream.next().await, None);
    served.stopped().await;
}

#[tokio::test]
async fn a_wish_must_be_well_formed() {
    let served = Served::alone().await;
    let mut client = served.sse().await;
    client
        .ask_modern(json!(1), "subscriptions/listen", json!({"notifications": 5}))
        .await;
    assert_eq!(client.message().await["error"]["code"], -32602);
}
