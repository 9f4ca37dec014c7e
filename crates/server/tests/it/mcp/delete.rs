//! `DELETE /mcp`.

use serde_json::json;

use crate::support::{Backend, Served, until};

#[tokio::test]
async fn ends_the_session() {
    let served = Served::alone().await;
    let session = served.session().await;
    insta::assert_snapshot!(session.delete().send().await.shown());
    assert_eq!(session.call("ping", json!({})).await.status, 404);
    assert_eq!(session.get().send().await.status, 404);
    assert_eq!(session.delete().send().await.status, 404);
}

#[tokio::test]
async fn leaves_other_sessions_alone() {
    let served = Served::alone().await;
    let (one, two) = (served.session().await, served.session().await);
    one.delete().send().await;
    assert_eq!(two.call("ping", json!({})).await.status, 200);
}

#[tokio::test]
async fn needs_a_session() {
    let served = Served::alone().await;
    let without = served.request(http::Method::DELETE, "/mcp").send().await;
    assert_eq!((without.status.as_u16(), without.code()), (400, -32600));
}

#[tokio::test]
async fn ends_the_session_at_the_backend() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .result("tools/call", json!({"content": []}))
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    session.tool("t").await;
    let own = backend.first("tools/call").await.headers["mcp-session-id"].clone();
    session.delete().send().await;
    until("the backend's session ends", || {
        backend
            .seen("DELETE")
            .iter()
            .any(|seen| seen.headers["mcp-session-id"] == own)
    })
    .await;
}
