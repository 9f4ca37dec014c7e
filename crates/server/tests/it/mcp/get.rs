//! `GET /mcp`: the standing stream of a legacy session.

use serde_json::json;

use crate::support::{Backend, Served, soon};

/// A backend that says that its lists change.
async fn changing() -> (Backend, Served) {
    let backend = Backend::legacy()
        .capabilities(json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}}))
        .tools(&["a"])
        .resources(&["x://1"])
        .result("resources/subscribe", json!({}))
        .result("resources/unsubscribe", json!({}))
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    (backend, served)
}

#[tokio::test]
async fn needs_an_accept_header_for_streams() {
    let served = Served::alone().await;
    let session = served.session().await;
    insta::assert_snapshot!(session.get().header("accept", "application/json").send().await.shown());
}

#[tokio::test]
async fn needs_a_session() {
    let served = Served::alone().await;
    let get = || served.get("/mcp").header("accept", "text/event-stream");
    assert_eq!(get().send().await.status, 400);
    assert_eq!(get().header("mcp-session-id", "unknown").send().await.status, 404);
}

#[tokio::test]
async fn ends_with_the_session() {
    let served = Served::alone().await;
    let session = served.session().await;
    let mut stream = session.listen().await;
    assert_eq!(stream.status, 200);
    session.delete().send().await;
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn ends_when_the_gateway_stops() {
    let served = Served::alone().await;
    let mut stream = served.session().await.listen().await;
    served.stop();
    assert_eq!(stream.next().await, None);
    served.stopped().await;
}

#[tokio::test]
async fn a_second_one_takes_over() {
    let (backend, served) = changing().await;
    let session = served.session().await;
    let mut first = session.listen().await;
    let mut second = session.listen().await;
    assert_eq!(first.next().await, None);
    backend.streams(1).await;
    backend.set_tools(&["b"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    second.notification("notifications/tools/list_changed").await;
}

#[tokio::test]
async fn list_changes_arrive_after_the_new_list_is_there() {
    let (backend, served) = changing().await;
    let session = served.session().await;
    assert_eq!(session.names("tools/list").await, ["a"]);
    let mut stream = session.listen().await;
    backend.streams(1).await;
    backend.set_tools(&["a", "b"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    let told = stream.notification("notifications/tools/list_changed").await;
    assert_eq!(
        told,
        json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    );
    assert_eq!(session.names("tools/list").await, ["a", "b"]);
}

#[tokio::test]
async fn what_was_said_before_waits() {
    let (backend, served) = changing().await;
    let session = served.session().await;
    backend.streams(1).await;
    backend.set_tools(&["b"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    let changed = async { while session.names("tools/list").await != ["b"] {} };
    soon("the new list", changed).await;
    session
        .listen()
        .await
        .notification("notifications/tools/list_changed")
        .await;
}

#[tokio::test]
async fn updates_reach_only_the_session_that_subscribed() {
    let (backend, served) = changing().await;
    let (one, two) = (served.session().await, served.session().await);
    let (mut to_one, mut to_two) = (one.listen().await, two.listen().await);
    assert_eq!(
        one.call("resources/subscribe", json!({"uri": "x://1"})).await.result(),
        json!({})
    );
    // The catalogue's stream and that of the shared connection.
    backend.streams(2).await;
    backend.tell("notifications/resources/updated", json!({"uri": "x://1", "n": 1}));
    let told = to_one.notification("notifications/resources/updated").await;
    assert_eq!(told["params"], json!({"uri": "x://1", "n": 1}));
    backend.set_tools(&["b"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    assert_eq!(to_two.message().await["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn no_updates_after_unsubscribing() {
    let (backend, served) = changing().await;
    let session = served.session().await;
    let mut stream = session.listen().await;
    session
        .call("resources/subscribe", json!({"uri": "x://1"}))
        .await
        .result();
    backend.streams(2).await;
    session
        .call("resources/unsubscribe", json!({"uri": "x://1"}))
        .await
        .result();
    backend.first("resources/unsubscribe").await;
    backend.tell("notifications/resources/updated", json!({"uri": "x://1"}));
    backend.set_tools(&["b"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    assert_eq!(stream.message().await["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn a_backend_may_ask_outside_calls_on_a_connection_of_the_session() {
    let (backend, served) = changing().await;
    let session = served.session_of("2025-11-25", json!({"roots": {}})).await;
    let mut stream = session.listen().await;
    session
        .call("resources/subscribe", json!({"uri": "x://1"}))
        .await
        .result();
    backend.streams(2).await;
    backend.ask_standing("r1", "roots/list");
    let ask = stream.notification("roots/list").await;
    session
        .answer(&ask["id"], json!({"roots": [{"uri": "file:///a"}]}))
        .await;
    let answers = async || loop {
        let answered = backend.seen("response").into_iter().map(|seen| seen.message);
        match answered.filter(|message| message.get("result").is_some()).last() {
            Some(message) => return message,
            None => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
        }
    };
    let answer = soon("the answer", answers()).await;
    assert_eq!(
        answer,
        json!({"jsonrpc": "2.0", "id": "r1", "result": {"roots": [{"uri": "file:///a"}]}})
    );
}
