//! Calls of legacy clients.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{Backend, Served, Sse};

async fn before(backend: &Backend) -> (Served, Sse) {
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let client = served.sse_of("2024-11-05", json!({})).await;
    (served, client)
}

#[tokio::test]
async fn the_handshake() {
    let served = Served::alone().await;
    let mut client = served.sse().await;
    let params = json!({"protocolVersion": "2024-11-05", "capabilities": {}});
    client.ask(json!("a b"), "initialize", params).await;
    let (name, data) = client.stream.typed().await.unwrap();
    let data = data.replace(env!("CARGO_PKG_VERSION"), "[version]");
    insta::assert_snapshot!(format!("{name}\n{data}"), @r#"
    message
    {"jsonrpc":"2.0","id":"a b","result":{"protocolVersion":"2024-11-05","capabilities":{"tools":{"listChanged":true},"resources":{"listChanged":true},"prompts":{"listChanged":true}},"serverInfo":{"name":"argus-mcp","title":"Argus MCP","version":"[version]"}}}
    "#);
}

#[tokio::test]
async fn nothing_works_before_the_handshake() {
    let served = Served::alone().await;
    let mut client = served.sse().await;
    let refused = client.call("tools/list", json!({})).await;
    assert_eq!(refused["error"]["code"], -32600);
    let why = refused["error"]["message"].as_str().unwrap();
    assert!(why.contains("`initialize`"), "{why}");
}

#[tokio::test]
async fn a_handshake_that_failed_may_be_tried_again_and_one_that_did_not_may_not() {
    let served = Served::alone().await;
    let mut client = served.sse().await;
    assert_eq!(client.call("initialize", json!({})).await["error"]["code"], -32602);
    client.initialize("2024-11-05", json!({})).await;
    let params = json!({"protocolVersion": "2024-11-05", "capabilities": {}});
    assert_eq!(client.call("initialize", params).await["error"]["code"], -32600);
}

#[tokio::test]
async fn payloads_pass_byte_by_byte() {
    let result = r#"{"content":[],"n":1.0,"b":12345678901234567890,"u":"\u00e9"}"#;
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", move |_| async move { result })
        .start()
        .await;
    let (_served, mut client) = before(&backend).await;
    let call =
        r#"{"jsonrpc":"2.0","id":7.0,"method":"tools/call","params":{"name":"t","arguments":{"x":1.0,"y":"\u00e9"}}}"#;
    assert_eq!(client.post(call).send().await.status, 202);
    let (name, data) = client.stream.typed().await.unwrap();
    assert_eq!(
        (&*name, &*data),
        (
            "message",
            &*format!(r#"{{"jsonrpc":"2.0","id":7.0,"result":{result}}}"#)
        )
    );
    let seen = backend.first("tools/call").await.text;
    assert!(seen.contains(r#""arguments":{"x":1.0,"y":"\u00e9"}"#), "{seen}");
}

#[tokio::test]
async fn progress_comes_before_the_response() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            call.progress(1);
            call.progress(2);
            json!({"content": []})
        })
        .start()
        .await;
    let (_served, mut client) = before(&backend).await;
    let params = json!({"name": "t", "_meta": {"progressToken": "p"}});
    client.ask(json!(1), "tools/call", params).await;
    for number in [1, 2] {
        let told = client.message().await;
        assert_eq!(told["params"], json!({"progressToken": "p", "progress": number}));
    }
    assert_eq!(client.message().await["id"], 1);
}

#[tokio::test]
async fn answers_come_as_they_are_ready() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let backend = Backend::legacy()
        .tools(&["slow", "quick"])
        .on("tools/call", move |call| {
            let opened = Arc::clone(&opened);
            async move {
                if call.params["name"] == "slow" {
                    opened.notified().await;
                }
                json!({"content": [], "was": call.params["name"]})
            }
        })
        .start()
        .await;
    let (_served, mut client) = before(&backend).await;
    client.ask(json!("first"), "tools/call", json!({"name": "slow"})).await;
    client
        .ask(json!("second"), "tools/call", json!({"name": "quick"}))
        .await;
    let one = client.message().await;
    gate.notify_one();
    let two = client.message().await;
    assert_eq!((&one["id"], &one["result"]["was"]), (&json!("second"), &json!("quick")));
    assert_eq!((&two["id"], &two["result"]["was"]), (&json!("first"), &json!("slow")));
}

#[tokio::test]
async fn connections_do_not_see_each_others_answers() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            json!({"content": [], "mine": call.params["arguments"]})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let mut clients = Vec::new();
    for number in 0..5 {
        let client = served.sse_of("2024-11-05", json!({})).await;
        for id in 0..20 {
            let params = json!({"name": "t", "arguments": {"client": number, "call": id}});
            client.ask(json!(id), "tools/call", params).await;
        }
        clients.push(client);
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let mut seen = Vec::new();
        for _ in 0..20 {
            let answer = client.message().await;
            assert_eq!(
                answer["result"]["mine"],
                json!({"client": number, "call": answer["id"]})
            );
            seen.push(answer["id"].as_u64().unwrap());
        }
        seen.sort_unstable();
        assert_eq!(seen, Vec::from_iter(0..20));
    }
}

#[tokio::test]
async fn a_call_is_cancelled_even_if_nothing_was_heard_of_it_yet() {
    let backend = Backend::legacy().tools(&["t"]).silent("tools/call").start().await;
    let (_served, mut client) = before(&backend).await;
    client.ask(json!("c"), "tools/call", json!({"name": "t"})).await;
    client
        .notify("notifications/cancelled", json!({"requestId": "c"}))
        .await;
    // A cancelled request has no response; the next message is that of another.
    assert_eq!(client.call("ping", json!({})).await["result"], json!({}));
    client.ask(json!("c"), "tools/call", json!({"name": "t"})).await;
    backend.first("tools/call").await;
    client
        .notify("notifications/cancelled", json!({"requestId": "c"}))
        .await;
    backend.first("notifications/cancelled").await;
    assert_eq!(client.call("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn an_id_is_in_use_until_its_response() {
    let backend = Backend::legacy().tools(&["t"]).silent("tools/call").start().await;
    let (_served, mut client) = before(&backend).await;
    client.ask(json!(1), "tools/call", json!({"name": "t"})).await;
    client.ask(json!(1), "ping", json!({})).await;
    let refused: Value = client.message().await;
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(1), &json!(-32600)));
}
