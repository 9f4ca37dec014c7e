//! Questions of a modern-only backend to many legacy sessions, which share one connection to it.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::support::{Backend, Served, Session};

const ASK: &str = "sampling/createMessage";

/// A backend whose tool asks for what it was called with, and answers with what it got.
async fn asking() -> (Backend, Served) {
    let backend = Backend::modern()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            let arguments = &call.params["arguments"];
            match call.params.get("inputResponses") {
                Some(responses) if call.params["requestState"] == *arguments => {
                    json!({"resultType": "complete", "got": responses})
                }
                _ => json!({
                    "resultType": "input_required",
                    "inputRequests": {"q": {"method": ASK, "params": {"messages": [arguments]}}},
                    "requestState": arguments,
                }),
            }
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    (backend, served)
}

async fn asked(session: &Session, id: Value, argument: Value) {
    let params = json!({"name": "t", "arguments": argument});
    let mut open = session.ask_as(id, "tools/call", params).open().await;
    let ask = open.message().await;
    assert_eq!(
        (&ask["method"], &ask["params"]["messages"]),
        (&json!(ASK), &json!([argument]))
    );
    session.answer(&ask["id"], json!({"to": argument})).await;
    assert_eq!(open.message().await["result"]["got"], json!({"q": {"to": argument}}));
    assert_eq!(open.next().await, None);
}

#[tokio::test]
async fn each_session_is_asked_about_its_own_calls() {
    let (backend, served) = asking().await;
    let sessions = join_all((0..12).map(|_| served.session_of("2025-11-25", json!({"sampling": {}})))).await;
    let calls = sessions.iter().enumerate().flat_map(|(number, session)| {
        (0..3).map(move |call| asked(session, json!(call), json!({"session": number, "call": call})))
    });
    join_all(calls).await;
    assert_eq!(backend.seen("tools/call").len(), 2 * 36);
}

#[tokio::test]
async fn another_session_cannot_answer() {
    let (backend, served) = asking().await;
    let session = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    let other = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    let params = json!({"name": "t", "arguments": {}});
    let mut open = session.ask("tools/call", params).open().await;
    let ask = open.message().await;
    other.answer(&ask["id"], json!({"stolen": true})).await;
    assert_eq!(backend.seen("tools/call").len(), 1);
    session.answer(&ask["id"], json!({"stolen": false})).await;
    assert_eq!(open.message().await["result"]["got"], json!({"q": {"stolen": false}}));
}

#[tokio::test]
async fn a_client_that_reads_no_streams_gets_an_error() {
    let (backend, served) = asking().await;
    let session = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    let request = session
        .ask("tools/call", json!({"name": "t", "arguments": {}}))
        .header("accept", "application/json");
    let refused = request.send().await;
    assert_eq!(refused.code(), -32601, "{}", refused.body);
    assert!(refused.body.contains("reads no event streams"), "{}", refused.body);
    assert_eq!(backend.seen("tools/call").len(), 1);
}

#[tokio::test]
async fn the_limit_holds_for_each_time_the_call_is_made() {
    let backend = Backend::modern()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            match call.params.get("inputResponses") {
                Some(_) => {
                    call.gone().await;
                    json!({})
                }
                None => json!({"resultType": "input_required", "inputRequests": {"q": {"method": ASK}}}),
            }
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", ", timeouts: {call: 2}")]).await;
    let session = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    let mut open = session.ask("tools/call", json!({"name": "t"})).open().await;
    let ask = open.message().await;
    session.answer(&ask["id"], json!({})).await;
    assert_eq!(open.message().await["error"]["code"], -32011);
}
