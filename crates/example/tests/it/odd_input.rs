//! What no client should send.

use argus_example::{ExampleError, NAMES, run};
use serde_json::{Value, json};

use crate::client::{Client, modern};

#[tokio::test]
async fn junk_is_answered_and_the_next_message_still_works() {
    let mut client = Client::of("echo");
    for junk in [
        &b"hello?"[..],
        b"\xff\xfe",
        b"{\"jsonrpc\": \"2.0\",",
        "[".repeat(10_000).as_bytes(),
    ] {
        client.line(junk).await;
        let answer = client.receive().await;
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&Value::Null, &json!(-32700))
        );
    }
    for junk in [
        json!(1),
        json!("x"),
        json!([]),
        json!({}),
        json!({"jsonrpc": "1.0", "id": 1, "method": "ping"}),
    ] {
        client.send(junk).await;
        assert_eq!(client.receive().await["error"]["code"], -32600);
    }
    client.line(b"").await;
    client.line(b" \r").await;
    assert_eq!(client.request(1, "ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn nothing_is_served_before_the_era_is_known() {
    let mut client = Client::of("time");
    assert_eq!(client.code("tools/list", json!({})).await, -32600);
    for params in [
        json!({}),
        json!({"protocolVersion": 1, "capabilities": {}}),
        json!({"protocolVersion": "2025-11-25"}),
    ] {
        assert_eq!(client.code("initialize", params).await, -32602);
    }
    client.send(json!({"jsonrpc": "2.0", "id": 1, "result": {}})).await;
    client.cancel(1).await;
    client.silence().await;
    assert!(client.end().await.is_empty());
}

/// Every method with every kind of wrong params, in both eras: always an answer, never the end of the server.
#[tokio::test]
async fn wrong_types_are_answered() {
    let methods = [
        "tools/list",
        "tools/call",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "prompts/list",
        "prompts/get",
        "completion/complete",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "subscriptions/listen",
        "server/discover",
        "initialize",
        "",
        "notifications/cancelled",
    ];
    let wrong = [json!(null), json!(1), json!("x"), json!([]), json!({}), json!(true)];
    let mut old = Client::legacy("echo", json!({})).await;
    let mut new = Client::of("echo");
    new.request(0, "server/discover", modern(json!({}), json!({}))).await;
    for method in methods {
        for value in &wrong {
            let params = json!({
                "name": value, "uri": value, "arguments": value, "ref": value, "argument": value, "level": value,
                "notifications": value, "cursor": value, "requestState": value, "inputResponses": value,
            });
            old.request("x", method, params.clone()).await;
            old.request("y", method, value.clone()).await;
            old.request("z", method, json!({"_meta": value})).await;
            if method != "subscriptions/listen" {
                new.request("x", method, modern(params, json!({}))).await;
            }
            new.request("y", method, value.clone()).await;
            new.request("z", method, json!({"_meta": value})).await;
        }
    }
    for params in [
        json!(null),
        json!([]),
        json!({}),
        json!({"requestId": {}}),
        json!({"requestId": null}),
    ] {
        old.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))
            .await;
    }
    for id in [json!(1), json!("1"), json!(-1), json!(1.5)] {
        old.send(json!({"jsonrpc": "2.0", "id": id, "result": {}})).await;
    }
    assert!(old.end().await.is_empty());
    assert!(new.end().await.is_empty());
}

#[tokio::test]
async fn only_the_named_servers_exist() {
    for (name, about) in NAMES {
        assert!(!about.is_empty());
        run(name, tokio::io::empty(), tokio::io::sink()).await.unwrap();
    }
    let refused = run("nobody", tokio::io::empty(), tokio::io::sink()).await;
    assert!(matches!(refused, Err(ExampleError::UnknownName(_))));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "there is no example server named `nobody`; the names are time, echo"
    );
}
