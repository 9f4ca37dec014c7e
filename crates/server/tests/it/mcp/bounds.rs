//! How much one client may have.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Backend, Served, pass};

fn pings(count: usize) -> String {
    let pings = (0..count).map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "ping"}));
    Value::from_iter(pings).to_string()
}

#[tokio::test]
async fn a_batch_of_a_hundred_and_no_more() {
    let served = Served::alone().await;
    let session = served.session_of("2025-03-26", json!({})).await;
    let most = session.post(pings(100)).send().await;
    assert_eq!((most.status.as_u16(), most.messages().len()), (200, 100));
    let refused = session.post(pings(101)).send().await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, -32600));
    assert!(refused.body.contains("100"), "{}", refused.body);
}

#[tokio::test]
async fn a_batch_that_was_cancelled_has_no_body() {
    let backend = Backend::legacy().tools(&["t"]).silent("tools/call").start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session_of("2025-03-26", json!({})).await;
    let call = json!([{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t"}}]);
    let request = session.post(call.to_string()).header("accept", "application/json");
    let waiting = tokio::spawn(request.send());
    backend.first("tools/call").await;
    session.notify("notifications/cancelled", json!({"requestId": 1})).await;
    let answered = waiting.await.unwrap();
    assert_eq!((answered.status.as_u16(), &*answered.body), (202, ""));
}

#[tokio::test]
async fn long_uris_are_refused() {
    let backend = Backend::modern()
        .capabilities(json!({"resources": {"subscribe": true}}))
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    let long = format!("x://{}", "a".repeat(8 * 1024));
    let reference = json!({"ref": {"type": "ref/resource", "uri": long}, "argument": {"name": "a", "value": ""}});
    for (method, params) in [
        ("resources/read", json!({"uri": long})),
        ("resources/subscribe", json!({"uri": long})),
        ("resources/unsubscribe", json!({"uri": long})),
        ("completion/complete", reference),
    ] {
        let refused = session.call(method, params).await;
        assert_eq!(refused.code(), -32602, "{method}");
        assert!(
            refused.body.contains("8192") && refused.body.len() < 500,
            "{}",
            refused.body
        );
    }
    let wanted = json!({"notifications": {"resourceSubscriptions": ["x://1", long]}});
    assert_eq!(
        served.modern("subscriptions/listen", wanted).send().await.code(),
        -32602
    );
}

#[tokio::test]
async fn long_ids_are_refused_and_not_repeated() {
    let served = Served::alone().await;
    let session = served.session_of("2025-03-26", json!({})).await;
    let ping = |length: usize| json!({"jsonrpc": "2.0", "id": "x".repeat(length), "method": "ping"});
    assert_eq!(session.post(ping(1022).to_string()).send().await.status, 200);
    let legacy = session.post(ping(1023).to_string()).send().await;
    let mut modern = ping(1023);
    modern["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    let modern = served.post(modern.to_string()).send().await;
    let connection = served.sse().await;
    let over_sse = connection.post(ping(1023).to_string()).send().await;
    for refused in [legacy, modern, over_sse] {
        assert_eq!((refused.status.as_u16(), refused.code()), (400, -32600));
        assert_eq!(refused.message()["id"], Value::Null);
        let why = refused.message()["error"]["message"].as_str().unwrap().to_owned();
        assert!(why.contains("1025 bytes") && why.contains("1024"), "{why}");
    }
    let batch = session.post(json!([ping(5), ping(1_000_000)]).to_string()).send().await;
    let codes: Vec<_> = batch.messages().iter().map(|m| m["error"]["code"].as_i64()).collect();
    assert!(codes.contains(&None) && codes.contains(&Some(-32600)), "{codes:?}");
    assert!(batch.body.len() < 1000, "{}", batch.body.len());
}

#[tokio::test]
async fn long_progress_tokens_are_refused() {
    for backend in [Backend::legacy(), Backend::modern()] {
        let backend = backend.tools(&["t"]).result("tools/call", json!({})).start().await;
        let served = Served::backends(&[backend.yaml("one", "")]).await;
        let session = served.session().await;
        let call = |length: usize| json!({"name": "t", "_meta": {"progressToken": "x".repeat(length)}});
        session.call("tools/call", call(1022)).await.result();
        let refused = session.call("tools/call", call(1023)).await;
        assert_eq!(refused.code(), -32602);
        assert!(
            refused.body.contains("1025 bytes") && refused.body.len() < 500,
            "{}",
            refused.body
        );
        assert_eq!(backend.seen("tools/call").len(), 1);
    }
}

#[tokio::test]
async fn echoed_names_are_cut() {
    let served = Served::alone().await;
    let session = served.session().await;
    let long = "é".repeat(1000);
    for answered in [
        session.call("tools/call", json!({"name": long})).await,
        session.call("prompts/get", json!({"name": long})).await,
        session.call(&long, json!({})).await,
    ] {
        let message = answered.message()["error"]["message"].as_str().unwrap().to_owned();
        assert_eq!(message.matches('é').count(), 128, "{message}");
    }
}

#[tokio::test]
async fn a_call_whose_client_left_is_given_up_after_five_minutes() {
    let backend = Backend::legacy().tools(&["t"]).silent("tools/call").start().await;
    let served = Served::backends(&[backend.yaml("one", ", timeouts: {call: 3600}")]).await;
    let session = served.session().await;
    let open = session.ask("tools/call", json!({"name": "t"})).open();
    drop(open.await);
    backend.first("tools/call").await;
    // The client's connection is gone; the gateway needs a moment to notice.
    tokio::time::sleep(Duration::from_secs(2)).await;
    pass(280).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(backend.seen("notifications/cancelled").is_empty());
    pass(30).await;
    backend.first("notifications/cancelled").await;
}
