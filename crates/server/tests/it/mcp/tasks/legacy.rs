//! Tasks of 2025-11-25 between a legacy client and a legacy backend.

use std::time::Duration;

use serde_json::json;

use super::{RELATED, begin, core_tasks, legacy, named, task};
use crate::support::{Backend, Served};

#[tokio::test]
async fn a_task_is_found_again_at_its_backend() {
    let (one, two) = (legacy("a").start().await, legacy("b").start().await);
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let session = served.session().await;
    let id = begin(&session, "b").await;
    assert_ne!(id, "b-1");
    let about = || json!({"taskId": id, "n": 1});
    let got = session.call("tasks/get", about()).await.result();
    assert_eq!(got, task(&id, "working"));
    let result = session.call("tasks/result", about()).await.result();
    assert_eq!(
        result,
        json!({"content": [], "taskId": "payload", "_meta": {RELATED: {"taskId": id}}})
    );
    assert_eq!(
        session.call("tasks/cancel", about()).await.result(),
        task(&id, "cancelled")
    );
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        assert!(one.seen(method).is_empty());
        assert_eq!(
            two.first(method).await.message["params"],
            json!({"taskId": "b-1", "n": 1})
        );
    }
    assert_eq!(
        two.first("tools/call").await.message["params"]["task"],
        json!({"ttl": 60000})
    );
}

#[tokio::test]
async fn it_is_unknown_to_other_sessions_and_so_is_the_backends_own_id() {
    let backend = legacy("a").start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let (session, other) = (served.session().await, served.session().await);
    let id = begin(&session, "a").await;
    assert_ne!(begin(&other, "a").await, id);
    let mut changed = id.clone().into_bytes();
    changed[40] ^= 1;
    let changed = String::from_utf8(changed).unwrap();
    for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
        assert_eq!(other.call(method, json!({"taskId": id})).await.code(), -32602);
        for forged in ["a-1", "", &changed] {
            assert_eq!(session.call(method, json!({"taskId": forged})).await.code(), -32602);
        }
        assert_eq!(session.call(method, json!({})).await.code(), -32602);
        assert!(backend.seen(method).is_empty());
    }
    assert_eq!(session.call("tasks/update", json!({"taskId": id})).await.code(), -32601);
}

#[tokio::test]
async fn what_the_backend_says_of_a_task_passes() {
    let refuses = |code| move |_| async move { crate::support::Answer::error(code, "no") };
    let backend = legacy("a")
        .on("tasks/get", refuses(-32602))
        .on("tasks/cancel", refuses(-32603))
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    let id = begin(&session, "a").await;
    assert_eq!(session.call("tasks/get", json!({"taskId": id})).await.code(), -32602);
    assert_eq!(session.call("tasks/cancel", json!({"taskId": id})).await.code(), -32603);
}

#[tokio::test]
async fn waiting_for_a_result_has_no_limit_and_takes_nobodys_turn() {
    let backend = legacy("a")
        .on("tasks/result", |_| async {
            tokio::time::sleep(Duration::from_millis(1500)).await;
            json!({"content": [], "late": true})
        })
        .start()
        .await;
    let extra = ", timeouts: {call: 1}, max_concurrent_calls: 1";
    let served = Served::backends(&[backend.yaml("one", extra)]).await;
    let session = served.session().await;
    let id = begin(&session, "a").await;
    let waiting = tokio::spawn({
        let (session, id) = (session.clone(), id.clone());
        async move { session.call("tasks/result", json!({"taskId": id})).await.result() }
    });
    backend.first("tasks/result").await;
    let got = session
        .ask_as(json!(2), "tasks/get", json!({"taskId": id}))
        .send()
        .await;
    assert_eq!(got.result()["status"], "working");
    assert!(!waiting.is_finished());
    assert_eq!(waiting.await.unwrap()["late"], true);
}

#[tokio::test]
async fn only_the_owner_hears_how_a_task_fares() {
    for capabilities in [json!({}), json!({"sampling": {}})] {
        let backend = legacy("a").start().await;
        let served = Served::backends(&[backend.yaml("one", "")]).await;
        let session = served.session_of("2025-11-25", capabilities.clone()).await;
        let other = served.session().await;
        let (mut heard, mut unheard) = (session.listen().await, other.listen().await);
        let id = begin(&session, "a").await;
        begin(&other, "a").await;
        let shared = capabilities == json!({});
        // The catalogue has none; a session that can be asked has a connection of its own.
        backend.streams(if shared { 2 } else { 3 }).await;
        backend.tell("notifications/tasks/status", task("a-1", "completed"));
        let status = heard.notification("notifications/tasks/status").await;
        assert_eq!(status["params"], task(&id, "completed"));
        let params = json!({"level": "info", "data": 1, "_meta": {RELATED: {"taskId": "a-1"}}});
        backend.tell("notifications/message", params);
        let log = heard.notification("notifications/message").await;
        assert_eq!(log["params"]["_meta"], json!({RELATED: {"taskId": id}}));
        let more = tokio::time::timeout(
            Duration::from_millis(200),
            unheard.notification("notifications/tasks/status"),
        );
        assert!(more.await.is_err());
    }
}

#[tokio::test]
async fn what_is_said_of_anothers_task_in_a_call_reaches_its_owner() {
    let backend = legacy("a")
        .on("tasks/get", |call| async move {
            call.notify("notifications/tasks/status", task("a-1", "completed"));
            task(&named(&call.params), "working")
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let (session, other) = (served.session().await, served.session().await);
    let mut heard = session.listen().await;
    let id = begin(&session, "a").await;
    let theirs = begin(&other, "a").await;
    let said = other.call("tasks/get", json!({"taskId": theirs})).await.messages();
    assert_eq!(said.len(), 1, "{said:?}");
    let status = heard.notification("notifications/tasks/status").await;
    assert_eq!(status["params"]["taskId"], json!(id));
    let said = session.call("tasks/get", json!({"taskId": id})).await.messages();
    assert_eq!(said[0]["params"]["taskId"], json!(id));
}

#[tokio::test]
async fn progress_keeps_its_token_for_as_long_as_the_task_lives() {
    let (told, mut tokens) = tokio::sync::mpsc::unbounded_channel();
    let backend = legacy("a")
        .on("tools/call", move |call| {
            told.send(call.params["_meta"]["progressToken"].clone()).unwrap();
            async { json!({"task": task("a-1", "working")}) }
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    let mut heard = session.listen().await;
    let params = json!({"name": "a", "task": {}, "_meta": {"progressToken": "mine"}});
    let begun = session.call("tools/call", params).await.result();
    let ours = tokens.recv().await.unwrap();
    assert_ne!(ours, "mine");
    backend.streams(2).await;
    let related = json!({RELATED: {"taskId": "a-1"}});
    let progress = json!({"progressToken": ours, "progress": 1.5, "_meta": related});
    backend.tell("notifications/progress", progress);
    let progress = heard.notification("notifications/progress").await;
    let related = json!({RELATED: {"taskId": begun["task"]["taskId"]}});
    assert_eq!(
        progress["params"],
        json!({"progressToken": "mine", "progress": 1.5, "_meta": related})
    );
}

#[tokio::test]
async fn what_any_backend_has_of_tasks_is_declared() {
    let one = Backend::legacy()
        .capabilities(json!({"tools": {}, "tasks": {"cancel": {}, "requests": {"tools": {"call": {}}}}}))
        .start()
        .await;
    let two = Backend::legacy()
        .capabilities(json!({"tools": {}, "tasks": {"list": {}, "requests": {}}}))
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let declared = async |version: &str| {
        let params =
            json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        served.post(body.to_string()).send().await.result()["capabilities"].clone()
    };
    assert_eq!(declared("2025-11-25").await["tasks"], core_tasks());
    assert_eq!(declared("2025-06-18").await.get("tasks"), None);
}

#[tokio::test]
async fn a_tool_of_a_backend_without_tasks_is_no_task() {
    let plain = || Backend::legacy().capabilities(json!({"tools": {}})).tools(&["p"]);
    let plain = || plain().result("tools/call", json!({"content": []}));
    let call = json!({"name": "p", "task": {}});

    // Nobody has tasks: the member is the backend's to ignore.
    let backend = plain().start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    assert_eq!(
        session.call("tools/call", call.clone()).await.result(),
        json!({"content": []})
    );
    assert_eq!(backend.first("tools/call").await.message["params"], call);
    assert_eq!(session.call("tasks/get", json!({"taskId": "x"})).await.code(), -32601);
    assert_eq!(session.call("tasks/list", json!({})).await.code(), -32601);

    // Another backend has them: the client cannot know that this one does not.
    let (backend, other) = (plain().start().await, legacy("a").start().await);
    let served = Served::backends(&[backend.yaml("one", ""), other.yaml("two", "")]).await;
    let session = served.session().await;
    assert_eq!(session.call("tools/call", call).await.code(), -32601);
    assert!(backend.seen("tools/call").is_empty());
    assert_eq!(session.tool("p").await.result(), json!({"content": []}));
}
