//! Batches, which only 2025-03-26 has.

use serde_json::{Value, json};

use crate::support::{Backend, Served, Session, Whole};

const PINGS: &str = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":"b","method":"ping"}]"#;

async fn old() -> (Served, Session) {
    let served = Served::alone().await;
    let session = served.session_of("2025-03-26", json!({})).await;
    (served, session)
}

/// The responses by id, whatever their order.
fn sorted(answered: &Whole) -> Vec<Value> {
    let mut messages = answered.messages();
    messages.sort_by_key(|message| message["id"].to_string());
    messages
}

#[tokio::test]
async fn every_request_is_answered() {
    let (_served, session) = old().await;
    let answered = session.post(PINGS).send().await;
    assert!(answered.is_stream());
    let expected = json!([
        {"jsonrpc": "2.0", "id": "b", "result": {}},
        {"jsonrpc": "2.0", "id": 1, "result": {}},
    ]);
    assert_eq!(Value::from(sorted(&answered)), expected);
}

#[tokio::test]
async fn a_client_that_reads_no_streams_gets_an_array() {
    let (_served, session) = old().await;
    let answered = session.post(PINGS).header("accept", "application/json").send().await;
    insta::assert_snapshot!(answered.shown());
}

#[tokio::test]
async fn a_mixed_one_is_answered_in_part() {
    let (_served, session) = old().await;
    let body = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "result": {}},
        5,
        {"jsonrpc": "2.0", "id": 3, "method": 7},
        {"jsonrpc": "2.0", "id": 4, "method": "nobody/knows"},
    ]);
    let answered = session.post(body.to_string()).send().await;
    let codes: Vec<(Value, Value)> = sorted(&answered)
        .iter()
        .map(|message| (message["id"].clone(), message["error"]["code"].clone()))
        .collect();
    let expected = [
        (json!(1), Value::Null),
        (json!(3), json!(-32600)),
        (json!(4), json!(-32601)),
        (Value::Null, json!(-32600)),
    ];
    assert_eq!(codes, expected);
}

#[tokio::test]
async fn without_requests_there_is_nothing_to_answer() {
    let (_served, session) = old().await;
    let body = json!([
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "result": {}},
    ]);
    let answered = session.post(body.to_string()).send().await;
    assert_eq!((answered.status.as_u16(), &*answered.body), (202, ""));
}

#[tokio::test]
async fn an_empty_one_is_no_request() {
    let (_served, session) = old().await;
    insta::assert_snapshot!(session.post("[]").send().await.shown());
}

#[tokio::test]
async fn one_that_is_not_json_is_not_read_in_part() {
    let (_served, session) = old().await;
    let answered = session.post(PINGS.replace(']', "")).send().await;
    assert_eq!((answered.status.as_u16(), answered.code()), (400, -32700));
}

#[tokio::test]
async fn the_same_id_twice_is_answered_once() {
    let backend = Backend::legacy().tools(&["t"]).silent("tools/call").start().await;
    let served = Served::backends(&[backend.yaml("one", ", timeouts: {call: 0.3}")]).await;
    let session = served.session_of("2025-03-26", json!({})).await;
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t"}});
    let answered = session.post(json!([call, call]).to_string()).send().await;
    let mut codes: Vec<i64> = answered
        .messages()
        .iter()
        .map(|one| one["error"]["code"].as_i64().unwrap())
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, [-32600, -32011]);
}

#[tokio::test]
async fn slow_and_quick_requests_do_not_wait_for_each_other() {
    let backend = Backend::legacy().tools(&["t"]).silent("tools/call").start().await;
    let served = Served::backends(&[backend.yaml("one", ", timeouts: {call: 0.5}")]).await;
    let session = served.session_of("2025-03-26", json!({})).await;
    let body = json!([
        {"jsonrpc": "2.0", "id": "slow", "method": "tools/call", "params": {"name": "t"}},
        {"jsonrpc": "2.0", "id": "quick", "method": "ping"},
    ]);
    let mut stream = session.post(body.to_string()).open().await;
    assert_eq!(stream.message().await["id"], "quick");
    assert_eq!(stream.message().await["id"], "slow");
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn other_revisions_have_none() {
    let served = Served::alone().await;
    for version in ["2025-06-18", "2025-11-25"] {
        let session = served.session_of(version, json!({})).await;
        let refused = session.post(PINGS).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, -32600), "{version}");
    }
    let modern = served.modern("ping", json!({})).body(PINGS).send().await;
    assert_eq!((modern.status.as_u16(), modern.code()), (400, -32600));
}

#[tokio::test]
async fn a_batch_needs_a_session() {
    let served = Served::alone().await;
    assert_eq!(served.post(PINGS).send().await.status, 400);
}
