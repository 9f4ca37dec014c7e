//! Tasks are not offered across eras.

use serde_json::{Value, json};

use super::{EXTENSION, ask, begin, core_tasks, legacy, modern};
use crate::support::{Backend, Served};

async fn legacy_capabilities(served: &Served) -> Value {
    let params =
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
    served.post(body.to_string()).send().await.result()["capabilities"].clone()
}

async fn modern_capabilities(served: &Served) -> Value {
    let discovered = served.modern("server/discover", json!({})).send().await.result();
    discovered["capabilities"].clone()
}

#[tokio::test]
async fn a_legacy_client_at_a_modern_backend() {
    let backend = modern("a").result("tools/call", json!({"resultType": "complete", "content": []}));
    let backend = backend.start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let capabilities = legacy_capabilities(&served).await;
    assert!(capabilities.get("tasks").is_none() && capabilities.get("extensions").is_none());
    assert_eq!(modern_capabilities(&served).await["extensions"], json!({EXTENSION: {}}));
    let session = served
        .session_of(
            "2025-11-25",
            json!({"tasks": {"list": {}}, "extensions": {EXTENSION: {}}}),
        )
        .await;
    let called = session
        .call("tools/call", json!({"name": "a", "task": {}, "x": 1}))
        .await;
    assert_eq!(called.result()["content"], json!([]));
    let seen = backend.first("tools/call").await.message["params"].clone();
    assert!(seen.get("task").is_none() && seen["x"] == 1);
    let declared = &seen["_meta"]["io.modelcontextprotocol/clientCapabilities"];
    assert!(
        declared.get("tasks").is_none() && declared["extensions"] == json!({}),
        "{declared}"
    );
    for method in ["tasks/get", "tasks/list", "tasks/result", "tasks/cancel"] {
        assert_eq!(session.call(method, json!({"taskId": "a-1"})).await.code(), -32601);
    }
    assert!(backend.seen("tasks/get").is_empty());
}

#[tokio::test]
async fn a_modern_client_at_a_legacy_backend() {
    let backend = legacy("a").start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let capabilities = modern_capabilities(&served).await;
    assert!(capabilities.get("tasks").is_none() && capabilities.get("extensions").is_none());
    assert_eq!(legacy_capabilities(&served).await["tasks"], core_tasks());
    let called = ask(&served, "tools/call", json!({"name": "a", "task": {}}))
        .await
        .result();
    assert_eq!(called["resultType"], "complete");
    assert_eq!(backend.first("tools/call").await.message["params"].get("task"), None);
    let session = served.session().await;
    let id = begin(&session, "a").await;
    let foreign = ask(&served, "tasks/get", json!({"taskId": id})).await;
    assert_eq!((foreign.status.as_u16(), foreign.code()), (404, -32601));
    assert!(backend.seen("tasks/get").is_empty());
}

#[tokio::test]
async fn one_of_each_is_offered_to_clients_of_its_own_era() {
    let (old, new) = (legacy("a").start().await, modern("b").start().await);
    let served = Served::backends(&[old.yaml("old", ""), new.yaml("new", "")]).await;
    assert_eq!(legacy_capabilities(&served).await["tasks"], core_tasks());
    let capabilities = modern_capabilities(&served).await;
    assert_eq!(capabilities["extensions"], json!({EXTENSION: {}}));
    assert!(capabilities.get("tasks").is_none());
    let session = served.session().await;
    let id = begin(&session, "a").await;
    assert_eq!(ask(&served, "tasks/get", json!({"taskId": id})).await.code(), -32602);
    // The client may think that every tool can be a task.
    let refused = session.call("tools/call", json!({"name": "b", "task": {}})).await;
    assert_eq!(refused.code(), -32601);
    assert!(new.seen("tools/call").is_empty());
}

#[tokio::test]
async fn a_backend_of_both_eras_is_met_in_the_clients_own() {
    let both = Backend::both()
        .capabilities(json!({"tools": {}, "tasks": core_tasks(), "extensions": {EXTENSION: {}}}))
        .tools(&["a"])
        .on("tools/call", |call| async move {
            match call.params.get("task") {
                Some(_) => json!({"task": {"taskId": "legacy-1"}}),
                None => json!({"resultType": "task", "taskId": "modern-1"}),
            }
        })
        .on("tasks/get", |call| async move {
            json!({"resultType": "complete", "taskId": call.params["taskId"]})
        })
        .start()
        .await;
    let served = Served::backends(&[both.yaml("one", "")]).await;
    let begun = ask(&served, "tools/call", json!({"name": "a"})).await.result();
    ask(&served, "tasks/get", json!({"taskId": begun["taskId"]}))
        .await
        .result();
    let session = served.session().await;
    // The shared legacy connection is there from the first call on.
    session.call("tools/call", json!({"name": "a"})).await;
    let id = begin(&session, "a").await;
    session.call("tasks/get", json!({"taskId": id})).await.result();
    let names: Vec<_> = both
        .seen("tasks/get")
        .iter()
        .map(|seen| seen.message["params"]["taskId"].clone())
        .collect();
    assert_eq!(names, ["modern-1", "legacy-1"]);
    let refused = session.call("tasks/get", json!({"taskId": begun["taskId"]})).await;
    assert_eq!(refused.code(), -32602);
}

#[tokio::test]
async fn what_a_backend_of_both_eras_said_on_a_sessions_own_connection_is_offered_to_others() {
    let both = Backend::both()
        .capabilities(json!({"tools": {}, "tasks": core_tasks(), "extensions": {EXTENSION: {}}}))
        .tools(&["a"])
        .on("tools/call", |call| async move {
            match call.params.get("task") {
                Some(_) => json!({"task": {"taskId": "legacy-1"}}),
                None => json!({"content": []}),
            }
        })
        .start()
        .await;
    let served = Served::backends(&[both.yaml("one", "")]).await;
    let asked = || served.session_of("2025-11-25", json!({"sampling": {}}));
    asked().await.tool("a").await.result();
    assert_eq!(legacy_capabilities(&served).await["tasks"], core_tasks());
    begin(&asked().await, "a").await;
}
