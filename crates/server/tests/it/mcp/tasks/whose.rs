//! Whose a task is, where several clients share a connection on which its backend names it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{RELATED, ask, begin, core_tasks, legacy, named, task};
use crate::support::{Backend, Draft, Open, Served};

const STATUS: &str = "notifications/tasks/status";

/// A backend that calls every task `a-1`, as one does whose counter begins anew.
fn forgetful() -> Draft {
    Backend::legacy()
        .capabilities(json!({"tools": {}, "tasks": core_tasks()}))
        .tools(&["a"])
        .on("tools/call", |_| async { json!({"task": task("a-1", "working")}) })
        .on("tasks/get", |call| async move { task(&named(&call.params), "working") })
        .on("tasks/list", |_| async { json!({"tasks": [task("a-1", "working")]}) })
}

async fn hears_nothing_more(stream: &mut Open) {
    let more = tokio::time::timeout(Duration::from_millis(200), stream.notification(STATUS));
    assert!(more.await.is_err());
}

#[tokio::test]
async fn a_modern_client_hears_nothing_of_a_sessions_task() {
    let backend = legacy("a")
        .on("tools/call", |call| async move {
            if call.params.get("task").is_some() {
                return json!({"task": task("a-1", "working")});
            }
            call.notify(STATUS, task("a-1", "completed"));
            json!({"content": []})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    let mut heard = session.listen().await;
    let id = begin(&session, "a").await;
    let said = ask(&served, "tools/call", json!({"name": "a"})).await.messages();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(heard.notification(STATUS).await["params"]["taskId"], json!(id));
}

#[tokio::test]
async fn naming_anothers_task_gives_no_id_that_leads_to_it() {
    let backend = legacy("a")
        .on("tools/call", |call| async move {
            if call.params.get("task").is_some() {
                return json!({"task": task("a-1", "working")});
            }
            json!({"content": [], "_meta": call.params["_meta"]})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    for capabilities in [json!({}), json!({"sampling": {}})] {
        let (session, other) = (
            served.session().await,
            served.session_of("2025-11-25", capabilities).await,
        );
        let id = begin(&session, "a").await;
        let reflect = || json!({"name": "a", "_meta": {RELATED: {"taskId": "a-1"}}});
        let reflected = other.call("tools/call", reflect()).await.result();
        let shown = &reflected["_meta"][RELATED]["taskId"];
        assert_eq!(*shown, "a-1");
        assert_eq!(other.call("tasks/get", json!({"taskId": shown})).await.code(), -32602);
        // To its owner it is known.
        let reflected = session.call("tools/call", reflect()).await.result();
        assert_eq!(reflected["_meta"][RELATED]["taskId"], json!(id));
    }
}

#[tokio::test]
async fn a_name_that_is_given_again_is_the_last_ones() {
    let backend = forgetful().start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let (before, after) = (served.session().await, served.session().await);
    let (mut unheard, mut heard) = (before.listen().await, after.listen().await);
    let old = begin(&before, "a").await;
    before.call("tasks/get", json!({"taskId": old})).await.result();
    let new = begin(&after, "a").await;
    backend.streams(2).await;
    backend.tell(STATUS, task("a-1", "completed"));
    assert_eq!(heard.notification(STATUS).await["params"]["taskId"], json!(new));
    hears_nothing_more(&mut unheard).await;
    assert_eq!(before.call("tasks/get", json!({"taskId": old})).await.code(), -32602);
    assert_eq!(
        before.call("tasks/list", json!({})).await.result()["tasks"],
        Value::Array(Vec::new())
    );
    after.call("tasks/get", json!({"taskId": new})).await.result();
    assert_eq!(
        after.call("tasks/list", json!({})).await.result()["tasks"][0]["taskId"],
        json!(new)
    );
}

#[tokio::test]
async fn a_session_with_a_connection_of_its_own_hears_there_alone() {
    let backend = forgetful().start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let sharing = served.session().await;
    let mut heard = vec![(sharing.listen().await, begin(&sharing, "a").await)];
    for _ in 0..3 {
        let owning = served.session_of("2025-11-25", json!({"sampling": {}})).await;
        heard.push((owning.listen().await, begin(&owning, "a").await));
    }
    backend.streams(5).await;
    backend.tell(STATUS, task("a-1", "completed"));
    for (stream, id) in &mut heard {
        assert_eq!(stream.notification(STATUS).await["params"]["taskId"], json!(id));
        hears_nothing_more(stream).await;
    }
}

#[tokio::test]
async fn what_is_said_before_the_answer_that_begins_a_task_is_told_after_it() {
    for capabilities in [json!({}), json!({"sampling": {}})] {
        let backend = legacy("a")
            .on("tools/call", |call| async move {
                call.notify(STATUS, task("a-1", "working"));
                json!({"task": task("a-1", "working")})
            })
            .start()
            .await;
        let served = Served::backends(&[backend.yaml("one", "")]).await;
        let session = served.session_of("2025-11-25", capabilities).await;
        let mut heard = session.listen().await;
        let id = begin(&session, "a").await;
        assert_eq!(heard.notification(STATUS).await["params"]["taskId"], json!(id));
    }
}
