//! Methods that the gateway does not know.

use serde_json::json;

use crate::support::{Backend, Draft, Served};

fn knowing(draft: Draft) -> Draft {
    draft.on("draft/get", |call| async move { json!({"params": call.params}) })
}

#[tokio::test]
async fn pass_to_the_only_backend() {
    let one = knowing(Backend::legacy()).start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    let session = served.session().await;
    let got = session
        .call("draft/get", json!({"taskId": "t", "x": [1.5]}))
        .await
        .result();
    assert_eq!(got, json!({"params": {"taskId": "t", "x": [1.5]}}));
    assert_eq!(session.call("unknown/there", json!({})).await.code(), -32601);
    session.notify("notifications/custom", json!({"a": 1})).await;
    assert_eq!(
        one.first("notifications/custom").await.message["params"],
        json!({"a": 1})
    );
}

#[tokio::test]
async fn pass_to_the_only_backend_of_a_modern_client() {
    let one = knowing(Backend::modern()).start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    let got = served.modern("draft/get", json!({"taskId": "t"})).send().await.result();
    assert_eq!(got["params"]["taskId"], "t");
    assert_eq!(one.first("draft/get").await.headers["mcp-method"], "draft/get");
}

#[tokio::test]
async fn are_unknown_where_there_are_two() {
    let (one, two) = (
        knowing(Backend::legacy()).start().await,
        knowing(Backend::modern()).start().await,
    );
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    assert_eq!(served.session().await.call("draft/get", json!({})).await.code(), -32601);
    let modern = served.modern("draft/get", json!({})).send().await;
    assert_eq!((modern.status.as_u16(), modern.code()), (404, -32601));
    assert!(one.seen("draft/get").is_empty() && two.seen("draft/get").is_empty());
}

#[tokio::test]
async fn are_unknown_where_the_backend_is_of_another_era() {
    let one = knowing(Backend::legacy()).start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    let modern = served.modern("draft/get", json!({})).send().await;
    assert_eq!((modern.status.as_u16(), modern.code()), (404, -32601));
    assert!(one.seen("draft/get").is_empty());
}

#[tokio::test]
async fn are_unknown_where_there_is_none() {
    let served = Served::alone().await;
    assert_eq!(served.session().await.call("draft/get", json!({})).await.code(), -32601);
}
