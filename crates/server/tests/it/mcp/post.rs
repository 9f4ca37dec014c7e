//! `POST /mcp` of legacy clients: handshake, sessions, headers, ids.

use serde_json::{Value, json};

use crate::support::{Backend, Served, Session};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

async fn session() -> (Served, Session) {
    let served = Served::alone().await;
    let session = served.session().await;
    (served, session)
}

async fn negotiated(asked: &str) -> Value {
    let served = Served::alone().await;
    let answered = served.post(INITIALIZE.replace("2025-11-25", asked)).send().await;
    answered.result()["protocolVersion"].clone()
}

#[tokio::test]
async fn initialize() {
    let served = Served::alone().await;
    insta::assert_snapshot!(served.post(INITIALIZE).send().await.shown());
}

#[tokio::test]
async fn every_revision_with_a_handshake_is_answered_as_asked() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        assert_eq!(negotiated(version).await, version);
    }
}

#[tokio::test]
async fn other_revisions_are_answered_with_the_newest_handshake() {
    for version in ["2026-07-28", "2199-01-01", "nonsense", ""] {
        assert_eq!(negotiated(version).await, "2025-11-25");
    }
}

#[tokio::test]
async fn initialize_needs_a_version_and_capabilities_that_are_an_object() {
    let served = Served::alone().await;
    let without = INITIALIZE.replace("protocolVersion", "version");
    assert_eq!(served.post(without).send().await.code(), -32602);
    let odd = INITIALIZE.replace(r#""capabilities":{}"#, r#""capabilities":[]"#);
    let refused = served.post(odd).send().await;
    assert_eq!(refused.code(), -32602);
    assert!(!refused.headers.contains_key("mcp-session-id"));
}

#[tokio::test]
async fn each_initialize_opens_a_session_of_its_own() {
    let served = Served::alone().await;
    let (one, two) = (served.session().await, served.session().await);
    assert_ne!(one.id, two.id);
    assert_eq!(one.id.len(), 32);
    assert!(one.id.bytes().all(|byte| byte.is_ascii_graphic()));
}

#[tokio::test]
async fn a_second_initialize_within_a_session_is_refused() {
    let (_served, session) = session().await;
    let answered = session.post(INITIALIZE).send().await;
    assert_eq!(answered.code(), -32600);
    assert_eq!(session.call("ping", json!({})).await.result(), json!({}));
}

#[tokio::test]
async fn without_a_session() {
    let served = Served::alone().await;
    insta::assert_snapshot!(served.post(PING).send().await.shown());
}

#[tokio::test]
async fn with_an_unknown_session() {
    let served = Served::alone().await;
    let request = served.post(PING).header("mcp-session-id", "0123456789abcdef");
    insta::assert_snapshot!(request.send().await.shown());
}

#[tokio::test]
async fn initialize_with_an_unknown_session_is_told_so() {
    let served = Served::alone().await;
    let request = served.post(INITIALIZE).header("mcp-session-id", "0123456789abcdef");
    assert_eq!(request.send().await.status, 404);
}

#[tokio::test]
async fn a_version_header_that_means_nothing() {
    let (_served, session) = session().await;
    for version in ["2199-01-01", "nonsense", ""] {
        let refused = session.post(PING).header("mcp-protocol-version", version).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, -32022), "{version}");
    }
    let refused = session
        .post(PING)
        .header("mcp-protocol-version", "2199-01-01")
        .send()
        .await;
    insta::assert_snapshot!(refused.shown());
}

#[tokio::test]
async fn the_version_header_may_be_missing() {
    let (_served, session) = session().await;
    assert_eq!(
        session.post(PING).without("mcp-protocol-version").send().await.status,
        200
    );
}

#[tokio::test]
async fn a_version_header_of_another_era_does_not_disturb_initialize() {
    let served = Served::alone().await;
    let answered = served
        .post(INITIALIZE)
        .header("mcp-protocol-version", "2026-07-28")
        .send()
        .await;
    assert_eq!(answered.result()["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn ping() {
    let (_served, session) = session().await;
    insta::assert_snapshot!(session.post(PING).send().await.shown());
}

#[tokio::test]
async fn notifications_and_stray_answers_are_accepted() {
    let (_served, session) = session().await;
    let accepted = [
        session.notify("notifications/initialized", json!({})).await,
        session.notify("notifications/nobody/knows", json!({"a": 1})).await,
        session
            .notify("notifications/cancelled", json!({"requestId": 99}))
            .await,
        session.answer(&json!(99), json!({})).await,
    ];
    for answered in accepted {
        assert_eq!((answered.status.as_u16(), &*answered.body), (202, ""));
    }
}

#[tokio::test]
async fn ids_come_back_as_they_were_written() {
    let (_served, session) = session().await;
    let ids = [
        "0",
        "-1",
        "1.0",
        "1e3",
        r#""""#,
        r#""a\"b""#,
        r#""\u00e9\/""#,
        "12345678901234567890",
        "-0.0",
    ];
    for id in ids {
        let answered = session
            .post(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#))
            .send()
            .await;
        assert_eq!(answered.body, format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    }
}

#[tokio::test]
async fn ids_come_back_as_they_were_written_from_a_backend_too() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |_| async { "[1.0]" })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    for id in ["1.0", r#""a\"b""#, "12345678901234567890"] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"t"}}}}"#);
        let expected = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":[1.0]}}"#);
        assert_eq!(session.post(body).send().await.body, expected);
    }
}

#[tokio::test]
async fn what_is_no_id_is_refused() {
    let (_served, session) = session().await;
    for id in ["null", "{}", "[1]", "true"] {
        let answered = session
            .post(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#))
            .send()
            .await;
        assert_eq!((answered.status.as_u16(), answered.code()), (400, -32600), "{id}");
    }
}

#[tokio::test]
async fn an_id_that_is_in_flight_is_refused_and_free_again_afterwards() {
    let backend = Backend::legacy().tools(&["slow"]).silent("tools/call").start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    let mut slow = session
        .ask("tools/call", json!({"name": "slow"}))
        .header("accept", "text/event-stream")
        .open()
        .await;
    backend.first("tools/call").await;
    let refused = session.ask("ping", json!({})).send().await;
    assert_eq!(refused.code(), -32600);
    assert_eq!(refused.message()["id"], 1);
    assert_eq!(
        session.ask_as(json!("1"), "ping", json!({})).send().await.result(),
        json!({})
    );
    session.notify("notifications/cancelled", json!({"requestId": 1})).await;
    assert_eq!(slow.next().await, None);
    assert_eq!(session.ask("ping", json!({})).send().await.result(), json!({}));
}

#[tokio::test]
async fn accept_decides_about_the_kind_of_answer() {
    let (_served, session) = session().await;
    let kind = async |accept: &str| {
        let answered = session.post(PING).header("accept", accept).send().await;
        assert_eq!(answered.result(), json!({}), "{accept}");
        answered.is_stream()
    };
    for accept in [
        "*/*",
        "application/json, text/event-stream",
        "application/json",
        "APPLICATION/JSON;q=0.1",
    ] {
        assert!(!kind(accept).await, "{accept}");
    }
    assert!(kind("text/event-stream").await);
    assert!(!session.post(PING).without("accept").send().await.is_stream());
}

#[tokio::test]
async fn accept_that_leaves_nothing() {
    let (_served, session) = session().await;
    insta::assert_snapshot!(
        session
            .post(PING)
            .header("accept", "text/html, image/*")
            .send()
            .await
            .shown()
    );
}

#[tokio::test]
async fn content_type_must_be_json() {
    let (_served, session) = session().await;
    for kind in [
        "text/plain",
        "application/jsonp",
        "application/x-www-form-urlencoded",
        "",
    ] {
        assert_eq!(
            session.post(PING).header("content-type", kind).send().await.status,
            415,
            "{kind}"
        );
    }
    for kind in ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8"] {
        assert_eq!(
            session.post(PING).header("content-type", kind).send().await.status,
            200,
            "{kind}"
        );
    }
    insta::assert_snapshot!(session.post(PING).without("content-type").send().await.shown());
}

#[tokio::test]
async fn the_path_may_end_in_a_slash() {
    let served = Served::alone().await;
    let request = served
        .request(http::Method::POST, "/mcp/")
        .header("content-type", "application/json")
        .body(INITIALIZE);
    assert_eq!(request.send().await.status, 200);
}
