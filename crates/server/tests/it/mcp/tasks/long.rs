//! Ids and cursors that are too long to be sealed.

use serde_json::json;

use super::{EXTENSION, ask, begin, core_tasks, legacy, task};
use crate::support::{Backend, Served};

#[tokio::test]
async fn a_task_whose_id_is_too_long_is_an_error_that_names_the_backend() {
    for (length, fits) in [(1024, true), (1025, false)] {
        let id = "x".repeat(length);
        let own = id.clone();
        let old = Backend::legacy()
            .capabilities(json!({"tools": {}, "tasks": core_tasks()}))
            .tools(&["a"])
            .on("tools/call", move |_| {
                let task = task(&own, "working");
                async move { json!({ "task": task }) }
            })
            .result("tasks/get", task(&id, "working"))
            .start()
            .await;
        let new = Backend::modern()
            .capabilities(json!({"tools": {}, "extensions": {EXTENSION: {}}}))
            .tools(&["b"])
            .result("tools/call", json!({"resultType": "task", "taskId": id}))
            .result("tasks/get", json!({"resultType": "complete", "taskId": id}))
            .start()
            .await;
        let served = Served::backends(&[old.yaml("old", ""), new.yaml("new", "")]).await;
        let session = served.session().await;
        let begun = session.call("tools/call", json!({"name": "a", "task": {}})).await;
        let modern = ask(&served, "tools/call", json!({"name": "b"})).await;
        if fits {
            let about = json!({"taskId": begun.result()["task"]["taskId"]});
            session.call("tasks/get", about).await.result();
            let about = json!({"taskId": modern.result()["taskId"]});
            ask(&served, "tasks/get", about).await.result();
        } else {
            for (refused, name) in [(begun, "\"old\""), (modern, "\"new\"")] {
                assert_eq!(refused.code(), -32603);
                let message = refused.message()["error"]["message"].to_string();
                assert!(message.contains(&name.replace('"', "\\\"")), "{message}");
            }
            let listed = session.call("tasks/list", json!({})).await.result();
            assert_eq!(listed["tasks"], json!([]));
        }
    }
}

#[tokio::test]
async fn a_list_whose_cursor_is_too_long_is_an_error() {
    let backend = legacy("a")
        .on("tasks/list", |_| async {
            json!({"tasks": [], "nextCursor": "x".repeat(1025)})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    begin(&session, "a").await;
    let refused = session.call("tasks/list", json!({})).await;
    let message = refused.message()["error"]["message"].to_string();
    assert!(message.contains("one") && message.contains("cursor"), "{message}");
}
