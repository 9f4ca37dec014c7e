//! What modern clients must and must not see of backends.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Served};

const LEVEL: &str = "io.modelcontextprotocol/logLevel";

/// A backend that logs at three levels within a call.
async fn talkative(modern: bool) -> (Backend, Served) {
    let draft = if modern { Backend::modern() } else { Backend::legacy() };
    let backend = draft
        .capabilities(json!({"tools": {}, "logging": {}}))
        .tools(&["t"])
        .on("tools/call", |call| async move {
            for level in ["debug", "warning", "error"] {
                call.notify("notifications/message", json!({"level": level, "data": 1}));
            }
            json!({"resultType": "complete", "content": []})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    (backend, served)
}

fn levels(messages: &[Value]) -> Vec<&str> {
    let logged = messages
        .iter()
        .filter(|message| message["method"] == "notifications/message");
    logged
        .filter_map(|message| message["params"]["level"].as_str())
        .collect()
}

#[tokio::test]
async fn no_log_messages_without_a_level() {
    for modern in [true, false] {
        let (_backend, served) = talkative(modern).await;
        let answered = served.modern("tools/call", json!({"name": "t"})).send().await;
        assert_eq!(levels(&answered.messages()), [""; 0]);
        assert_eq!(answered.result()["content"], json!([]));
    }
}

#[tokio::test]
async fn log_messages_of_the_level_that_was_named() {
    for modern in [true, false] {
        let (_backend, served) = talkative(modern).await;
        let params = json!({"name": "t", "_meta": {LEVEL: "warning"}});
        let answered = served.modern("tools/call", params).send().await;
        assert_eq!(levels(&answered.messages()), ["warning", "error"]);
    }
}

#[tokio::test]
async fn an_unknown_log_level() {
    let (backend, served) = talkative(true).await;
    for level in [json!("loud"), json!(3), json!(null)] {
        let params = json!({"name": "t", "_meta": {LEVEL: level}});
        let refused = served.modern("tools/call", params).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, -32602), "{level}");
    }
    assert!(backend.seen("tools/call").is_empty());
}

#[tokio::test]
async fn codes_that_ended_with_the_handshake() {
    let backend = Backend::legacy()
        .resources(&["x://1"])
        .tools(&["t"])
        .on("resources/read", |_| async {
            Answer::Error(r#"{"code":-32002,"message":"none","data":{"n":1.0}}"#.to_owned())
        })
        .on("tools/call", |_| async {
            Answer::Error(r#"{"code":-32042,"message":"first","data":{"elicitations":[]}}"#.to_owned())
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let read = served.modern("resources/read", json!({"uri": "x://1"})).send().await;
    assert!(
        read.body
            .contains(r#""error":{"code":-32602,"message":"none","data":{"n":1.0,"uri":"x://1"}}"#),
        "{}",
        read.body
    );
    let called = served.modern("tools/call", json!({"name": "t"})).send().await;
    assert_eq!(called.code(), -32603);
    // Legacy clients know both codes.
    let session = served.session().await;
    assert_eq!(
        session.call("resources/read", json!({"uri": "x://1"})).await.code(),
        -32002
    );
    assert_eq!(session.tool("t").await.code(), -32042);
}

/// Two backends that may know any URI; the first refuses with a code.
async fn reads_after(code: i64) -> (Value, usize) {
    let capabilities = json!({"resources": {}});
    let one = Backend::legacy()
        .capabilities(capabilities.clone())
        .on("resources/read", move |_| async move { Answer::error(code, "no") })
        .start()
        .await;
    let two = Backend::legacy()
        .capabilities(capabilities)
        .result("resources/read", json!({"contents": []}))
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let session = served.session().await;
    let answered = session.call("resources/read", json!({"uri": "x://unlisted"})).await;
    (
        answered.message()["error"]["code"].clone(),
        two.seen("resources/read").len(),
    )
}

#[tokio::test]
async fn the_next_backend_is_asked_where_one_does_not_know_a_resource() {
    for code in [-32002, -32602, -32601, -32010, -32011] {
        assert_eq!(reads_after(code).await, (Value::Null, 1), "{code}");
    }
    for code in [-32603, 403] {
        assert_eq!(reads_after(code).await, (json!(code), 0), "{code}");
    }
}

#[tokio::test]
async fn a_version_that_is_not_known() {
    let served = Served::alone().await;
    let session = served.session().await;
    for request in [session.get(), session.delete()] {
        let refused = request.header("mcp-protocol-version", "2199-01-01").send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, -32022));
    }
    assert_eq!(session.call("ping", json!({})).await.result(), json!({}));
}

#[tokio::test]
async fn an_update_is_heard_once() {
    let backend = Backend::legacy()
        .capabilities(json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}}))
        .resources(&["x://1"])
        .result("resources/subscribe", json!({}))
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session_of("2025-11-25", json!({"roots": {}})).await;
    let mut stream = session.listen().await;
    session
        .call("resources/subscribe", json!({"uri": "x://1"}))
        .await
        .result();
    let plain = served.session().await;
    plain
        .call("resources/subscribe", json!({"uri": "x://1"}))
        .await
        .result();
    // The catalogue's stream, that of the session's own connection, and that of the shared one.
    backend.streams(3).await;
    backend.tell("notifications/resources/updated", json!({"uri": "x://1"}));
    stream.notification("notifications/resources/updated").await;
    let again = tokio::time::timeout(Duration::from_millis(200), stream.next()).await;
    assert!(again.is_err(), "{again:?}");
    plain
        .listen()
        .await
        .notification("notifications/resources/updated")
        .await;
}

#[tokio::test]
async fn backends_are_listened_to_at_the_same_time() {
    let mut lines = Vec::new();
    let mut backends = Vec::new();
    for name in ["one", "two", "three"] {
        let backend = Backend::modern()
            .capabilities(json!({"resources": {"subscribe": true}}))
            .resources(&[&format!("{name}://1")])
            .silent("subscriptions/listen")
            .start()
            .await;
        lines.push(backend.yaml(name, ""));
        backends.push(backend);
    }
    let served = Served::backends(&lines).await;
    let wanted = json!({"resourceSubscriptions": ["one://1", "two://1", "three://1"]});
    let began = std::time::Instant::now();
    let request = served.modern("subscriptions/listen", json!({"notifications": wanted}));
    let mut stream = request.open().await;
    assert_eq!(stream.message().await["params"]["notifications"], json!({}));
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_listener_hears_nothing_but_updates_of_a_backend() {
    let backend = Backend::modern()
        .capabilities(json!({"resources": {"subscribe": true}}))
        .resources(&["x://1"])
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let wanted = json!({"resourceSubscriptions": ["x://1"]});
    let request = served.modern("subscriptions/listen", json!({"notifications": wanted}));
    let mut stream = request.open().await;
    stream.message().await;
    backend.streams(1).await;
    backend.tell("notifications/message", json!({"level": "error", "data": 1}));
    backend.tell("notifications/progress", json!({"progress": 1}));
    backend.tell("notifications/resources/updated", json!({"uri": "x://1"}));
    assert_eq!(stream.message().await["method"], "notifications/resources/updated");
}
