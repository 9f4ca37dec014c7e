//! What a task asks its client.

use serde_json::json;

use super::{RELATED, begin, legacy};
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
