//! Tasks outlive the gateway, where its key is kept.

use serde_json::json;

use super::{ask, begin, legacy, modern, task};
use crate::support::{Backend, Served};

#[tokio::test]
async fn ids_lead_back_after_a_restart() {
    let old = legacy("a").on("tasks/list", |_| async {
        json!({"tasks": [task("a-1", "working"), task("a-2", "working")]})
    });
    let (old, new) = (old.start().await, modern("b").start().await);
    let yaml = format!("backends:\n{}{}", old.yaml("old", ""), new.yaml("new", ""));
    let folder = tempfile::tempdir().unwrap();
    let served = Served::kept_in(folder.path(), &yaml).await;
    let (session, other) = (served.session().await, served.session().await);
    let id = begin(&session, "a").await;
    begin(&other, "a").await;
    let begun = ask(&served, "tools/call", json!({"name": "b"})).await.result();
    served.stopped().await;

    let served = Served::kept_in(folder.path(), &yaml).await;
    let (session, other) = (session.at(served.address), other.at(served.address));
    let got = session.call("tasks/get", json!({"taskId": id})).await.result();
    assert_eq!(got, task(&id, "working"));
    assert_eq!(other.call("tasks/get", json!({"taskId": id})).await.code(), -32602);
    let got = ask(&served, "tasks/get", json!({"taskId": begun["taskId"]}))
        .await
        .result();
    assert_eq!(got["taskId"], begun["taskId"]);
    assert_eq!(new.first("tasks/get").await.message["params"]["taskId"], "b-1");
    // It is the session's own again, because it was named.
    let listed = session.call("tasks/list", json!({})).await.result();
    assert_eq!(listed, json!({"tasks": [task(&id, "working")]}));
    served.stopped().await;

    let elsewhere = tempfile::tempdir().unwrap();
    let served = Served::kept_in(elsewhere.path(), &yaml).await;
    let lost = ask(&served, "tasks/get", json!({"taskId": begun["taskId"]})).await;
    assert_eq!(lost.code(), -32602);
}

#[tokio::test]
async fn a_task_of_a_backend_that_is_not_there_any_more_is_unknown() {
    let (old, other) = (legacy("a").start().await, legacy("b").start().await);
    let folder = tempfile::tempdir().unwrap();
    let yaml = |one: &Backend| format!("backends:\n{}", one.yaml("old", ""));
    let served = Served::kept_in(folder.path(), &yaml(&old)).await;
    let session = served.session().await;
    let id = begin(&session, "a").await;
    served.stopped().await;
    let served = Served::kept_in(folder.path(), &yaml(&other).replace("old", "new")).await;
    let session = session.at(served.address);
    assert_eq!(session.call("tasks/get", json!({"taskId": id})).await.code(), -32602);
    assert!(other.seen("tasks/get").is_empty());
}
