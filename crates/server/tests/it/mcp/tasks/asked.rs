//! What a task asks its client.

use serde_json::json;

use super::{RELATED, begin, legacy, task};
use crate::support::Served;

#[tokio::test]
async fn a_question_and_its_answer_name_the_task_as_each_side_knows_it() {
    let backend = legacy("a")
        .on("tasks/result", |call| async move {
            let related = json!({RELATED: {"taskId": "a-1"}, "x": 1.5});
            let params = json!({"message": "?", "requestedSchema": {"type": "object"}, "_meta": related});
            let answer = call.ask("q", "elicitation/create", params).await;
            json!({"content": [], "answer": answer["result"], "_meta": {RELATED: {"taskId": "a-1"}}})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session_of("2025-11-25", json!({"elicitation": {}})).await;
    let id = begin(&session, "a").await;
    let mut stream = session.ask("tasks/result", json!({"taskId": id})).open().await;
    let question = stream.message().await;
    let related = json!({RELATED: {"taskId": id}, "x": 1.5});
    assert_eq!(question["params"]["_meta"], related);
    let answer = json!({"action": "accept", "content": {}, "_meta": related});
    assert_eq!(session.answer(&question["id"], answer).await.status, 202);
    let result = stream.message().await["result"].take();
    let theirs = json!({RELATED: {"taskId": "a-1"}, "x": 1.5});
    assert_eq!(
        result["answer"],
        json!({"action": "accept", "content": {}, "_meta": theirs})
    );
    assert_eq!(result["_meta"], json!({RELATED: {"taskId": id}}));
}

#[tokio::test]
async fn a_refused_question_is_answered_too() {
    let backend = legacy("a")
        .on("tasks/result", |call| async move {
            let params = json!({"messages": [], "_meta": {RELATED: {"taskId": "a-1"}}});
            let answer = call.ask("q", "sampling/createMessage", params).await;
            json!({"content": [], "code": answer["error"]["code"]})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session_of("2025-11-25", json!({"elicitation": {}})).await;
    let id = begin(&session, "a").await;
    let result = session.call("tasks/result", json!({"taskId": id})).await.result();
    assert_eq!(result["code"], -32601);
    // A client that leaves the question open when its call is cancelled: nobody waits for ever.
    let session = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    let again = begin(&session, "a").await;
    let mut stream = session.ask("tasks/result", json!({"taskId": again})).open().await;
    let question = stream.message().await;
    let refused = json!({"jsonrpc": "2.0", "id": question["id"], "error": {"code": -1, "message": "no"}});
    session.post(refused.to_string()).send().await;
    assert_eq!(stream.message().await["result"]["code"], -1);
}

#[tokio::test]
async fn what_a_client_runs_for_one_backend_is_not_listed_to_another() {
    let asking = || {
        legacy("a").on("tasks/result", |call| async move {
            let answer = call.ask("q", "tasks/list", json!({})).await;
            json!({"content": [], "answer": answer.get("result"), "code": answer["error"]["code"]})
        })
    };
    let capabilities = json!({"sampling": {}, "tasks": {"list": {}}});
    let (one, two) = (asking().start().await, legacy("b").start().await);
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let session = served.session_of("2025-11-25", capabilities.clone()).await;
    let id = begin(&session, "a").await;
    let result = session.call("tasks/result", json!({"taskId": id})).await.result();
    assert_eq!(result["code"], -32601);
    // One that is alone may know.
    let served = Served::backends(&[one.yaml("one", "")]).await;
    let session = served.session_of("2025-11-25", capabilities).await;
    let id = begin(&session, "a").await;
    let mut stream = session.ask("tasks/result", json!({"taskId": id})).open().await;
    let question = stream.message().await;
    assert_eq!(question["method"], "tasks/list");
    session.answer(&question["id"], json!({"tasks": []})).await;
    assert_eq!(stream.message().await["result"]["answer"], json!({"tasks": []}));
}

#[tokio::test]
async fn what_a_client_runs_for_one_backend_is_open_to_that_one_alone() {
    let one = legacy("a")
        .on("tools/call", |call| async move {
            let params = json!({"messages": [], "maxTokens": 1, "task": {}});
            let begun = call.ask("q1", "sampling/createMessage", params).await;
            let id = begun["result"]["task"]["taskId"].clone();
            let own = call.ask("q2", "tasks/get", json!({"taskId": id})).await;
            json!({"content": [], "id": id, "own": own["result"]})
        })
        .start()
        .await;
    let two = legacy("b")
        .on("tools/call", |call| async move {
            let mut codes = Vec::new();
            for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
                let refused = call.ask(method, method, json!({"taskId": "mine"})).await;
                codes.push(refused["error"]["code"].clone());
            }
            json!({"content": [], "codes": codes})
        })
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let tasks = json!({"cancel": {}, "requests": {"sampling": {"createMessage": {}}}});
    let session = served
        .session_of("2025-11-25", json!({"sampling": {}, "tasks": tasks}))
        .await;
    let mut stream = session.ask("tools/call", json!({"name": "a"})).open().await;
    let question = stream.message().await;
    assert_eq!(question["params"]["task"], json!({}));
    session
        .answer(&question["id"], json!({"task": task("mine", "working")}))
        .await;
    let question = stream.message().await;
    assert_eq!(
        (&question["method"], &question["params"]["taskId"]),
        (&json!("tasks/get"), &json!("mine"))
    );
    session.answer(&question["id"], task("mine", "working")).await;
    assert_eq!(stream.message().await["result"]["own"], task("mine", "working"));
    let result = session.tool("b").await.result();
    assert_eq!(result["codes"], json!([-32602, -32602, -32602]));
    session
        .notify("notifications/tasks/status", task("mine", "completed"))
        .await;
    let told = one.first("notifications/tasks/status").await.message;
    assert_eq!(told["params"], task("mine", "completed"));
    assert!(two.seen("notifications/tasks/status").is_empty());
}
