//! What a backend asks of a legacy client, on the stream of the call that caused it.

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Served, Session, until};

const SAMPLING: &str = "sampling/createMessage";

/// A backend whose tool asks for a sample and gives back the whole answer.
async fn asking(capabilities: Value) -> (Backend, Served, Session) {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            let params = json!({"messages": [{"n": 1}], "_meta": {"progressToken": "theirs"}});
            let mut answer = call.ask("q-1", SAMPLING, params).await;
            answer["id"].take();
            Answer::from(json!({"answer": answer}))
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session_of("2025-11-25", capabilities).await;
    (backend, served, session)
}

#[tokio::test]
async fn a_question_and_its_answer() {
    let (_backend, _served, session) = asking(json!({"sampling": {}})).await;
    let mut open = session.ask("tools/call", json!({"name": "t"})).open().await;
    let ask = open.message().await;
    assert_eq!(ask["method"], SAMPLING);
    assert_eq!(ask["params"]["messages"], json!([{"n": 1}]));
    let taken = session.answer(&ask["id"], json!({"role": "assistant", "x": 1})).await;
    assert_eq!(taken.status, 202);
    let expected = json!({"jsonrpc": "2.0", "id": null, "result": {"role": "assistant", "x": 1}});
    assert_eq!(open.message().await["result"]["answer"], expected);
    assert_eq!(open.next().await, None);
}

#[tokio::test]
async fn a_refusal_reaches_the_backend() {
    let (_backend, _served, session) = asking(json!({"sampling": {}})).await;
    let mut open = session.ask("tools/call", json!({"name": "t"})).open().await;
    let id = open.message().await["id"].clone();
    let error = json!({"code": -1, "message": "the user said no", "data": [1]});
    let body = json!({"jsonrpc": "2.0", "id": id, "error": error});
    session.post(body.to_string()).send().await;
    assert_eq!(open.message().await["result"]["answer"]["error"], error);
}

#[tokio::test]
async fn progress_of_an_answer_reaches_the_backend_under_its_token() {
    let (backend, _served, session) = asking(json!({"sampling": {}})).await;
    let mut open = session.ask("tools/call", json!({"name": "t"})).open().await;
    let ask = open.message().await;
    let token = &ask["params"]["_meta"]["progressToken"];
    session
        .notify("notifications/progress", json!({"progressToken": token, "progress": 1}))
        .await;
    let told = backend.first("notifications/progress").await;
    assert_eq!(
        told.message["params"],
        json!({"progressToken": "theirs", "progress": 1})
    );
}

#[tokio::test]
async fn only_the_session_that_was_asked_can_answer() {
    let (backend, served, session) = asking(json!({"sampling": {}})).await;
    let other = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    let mut open = session.ask("tools/call", json!({"name": "t"})).open().await;
    let ask = open.message().await;
    assert_eq!(other.answer(&ask["id"], json!({"stolen": true})).await.status, 202);
    assert!(backend.seen("response").is_empty());
    session.answer(&ask["id"], json!({"stolen": false})).await;
    assert_eq!(
        open.message().await["result"]["answer"]["result"],
        json!({"stolen": false})
    );
}

#[tokio::test]
async fn a_backend_is_told_what_the_client_declared_and_who_it_is() {
    let declared = json!({"sampling": {"tools": {}}, "elicitation": {"url": {}}, "experimental": {"x": 1}});
    let (backend, _served, session) = asking(declared.clone()).await;
    let _open = session.ask("tools/call", json!({"name": "t"})).open().await;
    let params = introduced(&backend).await;
    assert_eq!(params["capabilities"], declared);
    assert_eq!(params["clientInfo"], json!({"name": "test", "version": "1"}));
}

#[tokio::test]
async fn a_client_that_declared_nothing_is_introduced_so() {
    let (backend, _served, session) = asking(json!({})).await;
    let _open = session.ask("tools/call", json!({"name": "t"})).open().await;
    assert_eq!(introduced(&backend).await["capabilities"], json!({}));
}

/// The handshake of the connection that the call came on.
async fn introduced(backend: &Backend) -> Value {
    let theirs = backend.first("tools/call").await.headers["mcp-session-id"].clone();
    let number: usize = theirs.to_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
    backend.seen("initialize")[number - 1].message["params"].clone()
}

#[tokio::test]
async fn a_client_that_reads_no_streams_cannot_be_asked() {
    let (_backend, _served, session) = asking(json!({"sampling": {}})).await;
    let request = session
        .ask("tools/call", json!({"name": "t"}))
        .header("accept", "application/json");
    let answered = request.send().await;
    assert_eq!(answered.result()["answer"]["error"]["code"], -32601);
}

#[tokio::test]
async fn a_question_that_the_backend_withdraws_is_withdrawn() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            call.say(&json!({"jsonrpc": "2.0", "id": "q", "method": SAMPLING, "params": {}}));
            call.notify("notifications/cancelled", json!({"requestId": "q"}));
            json!({"content": []})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    let mut open = session.ask("tools/call", json!({"name": "t"})).open().await;
    let ask = open.message().await;
    let withdrawn = open.message().await;
    assert_eq!(withdrawn["method"], "notifications/cancelled");
    assert_eq!(withdrawn["params"]["requestId"], ask["id"]);
}

#[tokio::test]
async fn questions_of_calls_that_are_over_make_room() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            for number in 0..100 {
                call.say(&json!({"jsonrpc": "2.0", "id": format!("q{number}"), "method": SAMPLING, "params": {}}));
            }
            json!({"content": []})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    for _ in 0..4 {
        let asked = session
            .tool("t")
            .await
            .messages()
            .iter()
            .filter(|one| one["method"] == SAMPLING)
            .count();
        assert_eq!(asked, 100);
    }
}

#[tokio::test]
async fn the_end_of_the_session_answers_open_questions() {
    let (backend, _served, session) = asking(json!({"sampling": {}})).await;
    let mut open = session.ask("tools/call", json!({"name": "t"})).open().await;
    open.message().await;
    session.delete().send().await;
    until("an answer", || {
        let refused = |message: &Value| message["id"] == "q-1" && message.get("error").is_some();
        backend.seen("response").iter().any(|seen| refused(&seen.message))
    })
    .await;
}
