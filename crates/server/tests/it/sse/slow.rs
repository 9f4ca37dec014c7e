//! Clients that are slow or silent. Most of the time goes by at once, so most of these tests are quick.

use std::time::Duration;

use serde_json::json;

use crate::support::{Answer, Backend, Served, Sse, Wire, pass, soon};

const GET: &str = "GET /sse HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n";

/// A connection that is read only as the test wants, and where to post to.
async fn stuck(served: &Served) -> (Wire, String) {
    let mut wire = served.wire().await;
    wire.send(GET).await;
    let mut head = String::new();
    while !head.contains("session_id=") {
        head.push_str(&wire.some().await);
    }
    let (_, uri) = head.split_once("data: ").unwrap();
    (wire, uri.lines().next().unwrap().to_owned())
}

#[tokio::test]
async fn a_client_that_never_says_what_it_wants_is_left_after_a_minute() {
    let served = Served::alone().await;
    let mut client = served.sse().await;
    // A client that only notifies and asks for nothing has not said anything either.
    client.notify("notifications/initialized", json!({})).await;
    pass(50).await;
    hears_nothing(&mut client).await;
    pass(10).await;
    assert_eq!(client.stream.typed().await, None);
}

/// Nothing comes, the end neither.
async fn hears_nothing(client: &mut Sse) {
    let heard = tokio::time::timeout(Duration::from_secs(1), client.stream.typed()).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[tokio::test]
async fn an_initialized_client_may_be_silent_for_long() {
    let served = Served::alone().await;
    let mut initialized = served.sse_of("2024-11-05", json!({})).await;
    let mut modern = served.sse().await;
    modern.ask_modern(json!(1), "tools/list", json!({})).await;
    modern.response().await;
    pass(7200).await;
    for client in [&mut initialized, &mut modern] {
        hears_nothing(client).await;
    }
    assert_eq!(initialized.call("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn a_stream_shows_every_15_seconds_that_it_lives() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send(GET).await;
    wire.keeps_alive_every(15, 3).await;
}

#[tokio::test]
async fn a_client_that_leaves_too_much_unread_is_left_and_disturbs_nobody() {
    let large = format!(r#"{{"content":[{{"type":"text","text":"{}"}}]}}"#, "x".repeat(1 << 20));
    let backend = Backend::legacy()
        .tools(&["large", "small"])
        .on("tools/call", move |call| {
            let large = (call.params["name"] == "large").then(|| large.clone());
            async move { Answer::Result(large.unwrap_or_else(|| r#"{"small":true}"#.to_owned())) }
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let (wire, uri) = stuck(&served).await;
    let post = async |message: serde_json::Value| {
        let post = served
            .request(http::Method::POST, &uri)
            .header("content-type", "application/json");
        post.body(message.to_string()).send().await
    };
    let params = json!({"protocolVersion": "2024-11-05", "capabilities": {}});
    post(json!({"jsonrpc": "2.0", "id": "i", "method": "initialize", "params": params})).await;
    // More than may wait, and more than the buffers between the two take.
    let large = json!({"name": "large", "arguments": {}});
    for id in 0..80 {
        let taken = post(json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": large})).await;
        assert!(taken.status == 202 || taken.status == 404, "{}", taken.status);
    }
    let ping = json!({"jsonrpc": "2.0", "id": "p", "method": "ping"});
    let ended = async {
        while post(ping.clone()).await.status != 404 {
            tokio::time::sleep(Duration::from_millis(50)).await
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
    assert!(ended.is_ok(), "the connection stays");
    let mut other = served.sse_of("2024-11-05", json!({})).await;
    let answered = soon("another's answer", other.call("tools/call", json!({"name": "small"}))).await;
    assert_eq!(answered["result"], json!({"small": true}));
    drop(wire);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up() {
    let served = Served::alone().await;
    let (wire, uri) = stuck(&served).await;
    let say = async |message: serde_json::Value| {
        let post = served
            .request(http::Method::POST, &uri)
            .header("content-type", "application/json");
        post.body(message.to_string()).send().await.status.as_u16()
    };
    // Else it would be left for not saying what it wants.
    let params = json!({"protocolVersion": "2024-11-05", "capabilities": {}});
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
    assert_eq!(say(hello).await, 202);
    let post = async |version: String| {
        let meta = json!({"io.modelcontextprotocol/protocolVersion": version});
        say(json!({"jsonrpc": "2.0", "id": 1, "method": "x", "params": {"_meta": meta}})).await
    };
    // The refusals repeat the long versions, which is more than the buffers between the two take.
    for _ in 0..100 {
        assert_eq!(post("x".repeat(200_000)).await, 202);
    }
    pass(30).await;
    assert_eq!(post("y".to_owned()).await, 202, "it is given more time");
    pass(170).await;
    let ended = async {
        while post("y".to_owned()).await != 404 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("the end of the connection", ended).await;
    drop(wire);
}
