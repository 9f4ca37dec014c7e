//! `backends.*`: headers, credentials, era.

use serde_json::json;

use crate::support::{Backend, Draft, Served};

fn answering(draft: Draft) -> Draft {
    draft
        .tools(&["t"])
        .result("tools/call", json!({"resultType": "complete", "content": []}))
}

/// Every request that the backend got so far.
fn all_methods(backend: &Backend) -> Vec<crate::support::Seen> {
    let methods = [
        "server/discover",
        "initialize",
        "notifications/initialized",
        "tools/list",
        "tools/call",
        "GET",
    ];
    methods.into_iter().flat_map(|method| backend.seen(method)).collect()
}

#[tokio::test]
async fn headers_and_auth_go_with_every_request() {
    let one = answering(Backend::both()).start().await;
    let extra = ", headers: {X-Team: blue}, auth: {type: static, headers: {Authorization: \"Bearer s3cret\"}}";
    let served = Served::backends(&[one.yaml("one", extra)]).await;
    let session = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    let call = session
        .ask("tools/call", json!({"name": "t"}))
        .header("authorization", "Bearer client");
    call.header("x-team", "red").send().await.result();
    served
        .modern("tools/call", json!({"name": "t"}))
        .header("authorization", "Bearer client")
        .send()
        .await
        .result();
    one.first("GET").await;
    let seen = all_methods(&one);
    for method in ["server/discover", "initialize", "tools/list", "tools/call", "GET"] {
        assert!(seen.iter().any(|one| one.method == method), "{method}");
    }
    for request in seen {
        let sent = |name: &str| request.headers.get_all(name).iter().cloned().collect::<Vec<_>>();
        assert_eq!(sent("x-team"), ["blue"], "{}", request.method);
        assert_eq!(sent("authorization"), ["Bearer s3cret"], "{}", request.method);
    }
}

#[tokio::test]
async fn without_auth_no_credentials_are_sent() {
    let one = answering(Backend::both()).start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    let session = served.session().await;
    let call = session
        .ask("tools/call", json!({"name": "t"}))
        .header("authorization", "Bearer client");
    call.header("cookie", "client=1").send().await.result();
    for request in all_methods(&one) {
        assert!(!request.headers.contains_key("authorization"), "{}", request.method);
        assert!(!request.headers.contains_key("cookie"), "{}", request.method);
    }
}

#[tokio::test]
async fn protocol_legacy_never_speaks_modern() {
    let one = answering(Backend::both()).start().await;
    let served = Served::backends(&[one.yaml("one", ", protocol: legacy")]).await;
    served.modern("server/discover", json!({})).send().await.result();
    served.modern("tools/call", json!({"name": "t"})).send().await.result();
    assert!(one.seen("server/discover").is_empty());
    assert!(one.first("tools/call").await.headers.contains_key("mcp-session-id"));
}

#[tokio::test]
async fn protocol_modern_never_shakes_hands() {
    let one = answering(Backend::both()).start().await;
    let served = Served::backends(&[one.yaml("one", ", protocol: modern")]).await;
    served.session().await.tool("t").await.result();
    assert!(one.seen("initialize").is_empty());
    assert_eq!(one.first("tools/call").await.headers["mcp-method"], "tools/call");
}

#[tokio::test]
async fn protocol_auto_speaks_to_each_client_in_its_own_era() {
    let one = answering(Backend::both()).start().await;
    let served = Served::backends(&[one.yaml("one", ", protocol: auto")]).await;
    served.session().await.tool("t").await.result();
    served.modern("tools/call", json!({"name": "t"})).send().await.result();
    let calls = one.seen("tools/call");
    assert!(calls[0].headers.contains_key("mcp-session-id") && !calls[0].headers.contains_key("mcp-method"));
    assert!(!calls[1].headers.contains_key("mcp-session-id") && calls[1].headers.contains_key("mcp-method"));
}

#[tokio::test]
async fn protocol_that_the_backend_does_not_speak_fails() {
    let one = Backend::modern().start().await;
    let two = Backend::legacy().start().await;
    let lines = [
        one.yaml("one", ", protocol: legacy"),
        two.yaml("two", ", protocol: modern"),
    ];
    let served = Served::backends(&lines).await;
    served.session().await;
    assert_eq!(served.fares(), "unhealthy");
}
