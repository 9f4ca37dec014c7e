//! The extension of 2026-07-28 between a modern client and a modern backend.

use serde_json::json;

use super::{EXTENSION, ask, modern};
use crate::support::Served;

#[tokio::test]
async fn a_task_is_found_again_at_its_backend() {
    let (one, two) = (modern("a").start().await, modern("b").start().await);
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let begun = ask(&served, "tools/call", json!({"name": "b"})).await.result();
    let id = begun["taskId"].as_str().unwrap();
    assert_eq!(
        begun,
        json!({"resultType": "task", "taskId": id, "status": "working", "ttlMs": null})
    );
    assert!(id != "b-1" && id.len() < 200, "{id}");
    let got = ask(&served, "tasks/get", json!({"taskId": id})).await.result();
    assert_eq!(
        got,
        json!({"resultType": "complete", "taskId": id, "status": "working", "ttlMs": null})
    );
    let update = json!({"taskId": id, "inputResponses": {"q": {"action": "accept"}}});
    let done = json!({"resultType": "complete"});
    assert_eq!(ask(&served, "tasks/update", update).await.result(), done);
    assert_eq!(ask(&served, "tasks/cancel", json!({"taskId": id})).await.result(), done);
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        assert!(one.seen(method).is_empty());
        let seen = two.first(method).await;
        assert_eq!(seen.message["params"]["taskId"], "b-1");
        assert_eq!(seen.headers["mcp-name"], "b-1");
    }
    let update = two.first("tasks/update").await;
    assert_eq!(
        update.message["params"]["inputResponses"],
        json!({"q": {"action": "accept"}})
    );
}

#[tokio::test]
async fn the_header_names_the_task_as_the_client_knows_it() {
    let backend = modern("a").start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let begun = ask(&served, "tools/call", json!({"name": "a"})).await.result();
    let id = begun["taskId"].as_str().unwrap();
    let meta = json!({"io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION: {}}}});
    let get = || served.modern("tasks/get", json!({"taskId": id, "_meta": meta}));
    assert_eq!(get().header("mcp-name", id).send().await.status, 200);
    assert_eq!(backend.first("tasks/get").await.headers["mcp-name"], "a-1");
    for wrong in [get().header("mcp-name", "a-1"), get().without("mcp-name")] {
        let wrong = wrong.send().await;
        assert_eq!((wrong.status.as_u16(), wrong.code()), (400, -32020));
    }
    assert_eq!(backend.seen("tasks/get").len(), 1);
}

#[tokio::test]
async fn forged_ids_lead_nowhere_and_only_clients_with_the_extension_may_ask() {
    let backend = modern("a").start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let begun = ask(&served, "tools/call", json!({"name": "a"})).await.result();
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let unknown = ask(&served, method, json!({"taskId": "a-1"})).await;
        assert_eq!(unknown.code(), -32602);
        let missing = served.modern(method, json!({"taskId": begun["taskId"]})).send().await;
        assert_eq!((missing.status.as_u16(), missing.code()), (400, -32021));
        let needed = &missing.message()["error"]["data"]["requiredCapabilities"];
        assert_eq!(*needed, json!({"extensions": {EXTENSION: {}}}));
        assert!(backend.seen(method).is_empty());
    }
    for method in ["tasks/list", "tasks/result"] {
        let gone = ask(&served, method, json!({"taskId": begun["taskId"]})).await;
        assert_eq!((gone.status.as_u16(), gone.code()), (404, -32601));
    }
}

#[tokio::test]
async fn a_call_that_needed_input_may_end_in_a_task() {
    let backend = modern("a")
        .on("tools/call", |call| async move {
            match call.params["requestState"].as_str() {
                None => json!({"resultType": "input_required", "inputRequests": {}, "requestState": "s"}),
                Some(state) => json!({"resultType": "task", "taskId": format!("a-{state}"), "status": "working"}),
            }
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let asked = ask(&served, "tools/call", json!({"name": "a"})).await.result();
    let params = json!({"name": "a", "inputResponses": {}, "requestState": asked["requestState"]});
    let begun = ask(&served, "tools/call", params).await.result();
    assert_eq!(
        ask(&served, "tasks/get", json!({"taskId": begun["taskId"]}))
            .await
            .status,
        200
    );
    assert_eq!(backend.first("tasks/get").await.message["params"]["taskId"], "a-s");
}
