//! `feature_flags`; what is refused at load is with the tests of the configuration.

use http::StatusCode;
use serde_json::json;

use crate::support::{Backend, Served};

#[tokio::test]
async fn without_sessions_only_stateless_clients_are_served() {
    let backend = Backend::modern()
        .tools(&["t"])
        .result("tools/call", json!({"content": []}));
    let backend = backend.start().await;
    let lines = backend.yaml("one", "");
    let served = Served::with(&format!(
        "feature_flags: {{session_management: false}}\nbackends:\n{lines}"
    ))
    .await;
    let handshake = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}});
    let refused = served.post(handshake.to_string()).send().await;
    assert!(refused.headers.get("mcp-session-id").is_none());
    let error = refused.message()["error"].clone();
    assert_eq!(error["code"], -32022);
    assert_eq!(
        error["data"],
        json!({"supported": ["2026-07-28"], "requested": "2025-11-25"})
    );
    assert!(
        error["message"].as_str().unwrap().contains("session_management"),
        "{error}"
    );
    let stream = served.get("/sse").header("accept", "text/event-stream").send().await;
    assert_eq!(stream.status, StatusCode::NOT_FOUND);
    assert!(stream.message().to_string().contains("session_management"));
    let discovered = served.modern("server/discover", json!({})).send().await.result();
    assert_eq!(discovered["supportedVersions"], json!(["2026-07-28"]));
    served.modern("tools/call", json!({"name": "t"})).send().await.result();
}

#[tokio::test]
async fn a_session_of_before_is_unknown_without_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let before = Served::kept_in(folder.path(), "").await;
    let session = before.session().await;
    before.stopped().await;
    let served = Served::kept_in(folder.path(), "feature_flags: {session_management: false}").await;
    let answered = session.at(served.address).call("ping", json!({})).await;
    assert_eq!(answered.status, StatusCode::NOT_FOUND);
}
