//! The end of a connection: nothing of it stays.

use std::time::Duration;

use serde_json::json;

use crate::support::{Backend, Served, Sse, until};

/// A backend with a tool that never answers.
async fn silent(modern: bool) -> (Backend, Served) {
    let draft = if modern { Backend::modern() } else { Backend::legacy() };
    let backend = draft.tools(&["t"]).silent("tools/call").start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    (backend, served)
}

#[tokio::test]
async fn a_client_that_goes_cancels_its_legacy_calls() {
    let (backend, served) = silent(false).await;
    let client = served.sse_of("2024-11-05", json!({})).await;
    client.ask(json!(1), "tools/call", json!({"name": "t"})).await;
    backend.first("tools/call").await;
    drop(client);
    backend.first("notifications/cancelled").await;
}

#[tokio::test]
async fn a_client_that_goes_cancels_its_modern_calls() {
    let (backend, served) = silent(true).await;
    let client = served.sse().await;
    client.ask_modern(json!(1), "tools/call", json!({"name": "t"})).await;
    backend.first("tools/call").await;
    drop(client);
    until("the backend is left", || backend.given_up() == 1).await;
}

#[tokio::test]
async fn the_session_and_its_own_links_end_with_the_stream() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .result("tools/call", json!({"content": []}))
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let mut client = served.sse_of("2024-11-05", json!({"sampling": {}})).await;
    client.call("tools/call", json!({"name": "t"})).await;
    assert!(backend.seen("DELETE").is_empty());
    drop(client);
    backend.first("DELETE").await;
}

#[tokio::test]
async fn the_end_answers_open_questions() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            call.ask("q-1", "sampling/createMessage", json!({})).await
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let mut client = served.sse_of("2024-11-05", json!({"sampling": {}})).await;
    client.ask(json!(1), "tools/call", json!({"name": "t"})).await;
    client.stream.notification("sampling/createMessage").await;
    drop(client);
    until("an answer", || {
        let seen = backend.seen("response");
        seen.iter()
            .any(|seen| seen.message["id"] == "q-1" && seen.message.get("error").is_some())
    })
    .await;
}

#[tokio::test]
async fn nothing_can_be_posted_after_the_end() {
    let served = Served::alone().await;
    let client = served.sse_of("2024-11-05", json!({})).await;
    let post = client.post(r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#);
    let late = async |client: &Sse| client.post(r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#).send().await;
    assert_eq!(late(&client).await.status, 202);
    let other = served.sse().await;
    let endpoint = client.endpoint.clone();
    drop((client, post));
    let gone = async || {
        let post = served
            .request(http::Method::POST, &endpoint)
            .header("content-type", "application/json");
        post.body(r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#).send().await
    };
    let refused = loop {
        let refused = gone().await;
        if refused.status != 202 {
            break refused;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    insta::assert_snapshot!(refused.shown());
    assert_eq!(late(&other).await.status, 202);
}

#[tokio::test]
async fn idle_streams_end_when_the_gateway_stops() {
    let served = Served::alone().await;
    let mut initialized = served.sse_of("2024-11-05", json!({})).await;
    let mut silent = served.sse().await;
    served.stop();
    assert_eq!(initialized.stream.next().await, None);
    assert_eq!(silent.stream.next().await, None);
    served.stopped().await;
}

#[tokio::test]
async fn a_call_in_flight_is_answered_when_the_gateway_stops() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |_| async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            json!({"content": []})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let mut client = served.sse_of("2024-11-05", json!({})).await;
    client.ask(json!("last"), "tools/call", json!({"name": "t"})).await;
    backend.first("tools/call").await;
    served.stop();
    let expected = json!({"jsonrpc": "2.0", "id": "last", "result": {"content": []}});
    assert_eq!(client.message().await, expected);
    assert_eq!(client.stream.next().await, None);
    served.stopped().await;
}
