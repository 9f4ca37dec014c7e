//! Odd backends behind a URL.

use std::time::Duration;

use argus_testkit::{Journal, until};
use insta::assert_snapshot;

use crate::world::{Running, World, message, names, tool};

fn one(arguments: &[&str]) -> (Running, Journal) {
    let mut world = World::new();
    let journal = world.http("odd", arguments);
    (world.start(), journal)
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed() {
    let (running, _) = one(&["redirects"]);
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_not() {
    let mut world = World::new();
    let journal = world.http("odd", &["redirects", "--away"]);
    world.backend(
        "odd",
        "headers",
        serde_json::json!({"X-Api-Key": "s3cret-of-the-header"}),
    );
    let running = world.start();
    running.plain().await.call("tools/list", "{}").await;
    let said = running.says("backend is away backend=odd");
    assert!(
        said.contains("another origin; if you trust it, write it as the url of the backend"),
        "{said}"
    );
    assert!(journal.all("foreign").is_empty(), "the other origin was asked");
    running.stop();
}

#[tokio::test]
async fn a_web_page_is_no_answer() {
    let (running, _) = one(&["wrong-content-type"]);
    let client = running.plain().await;
    let error = client.error("tools/call", &tool("html", "{}")).await;
    assert_snapshot!(error, @r#"{"code":-32010,"message":"backend `odd`: it answered 200 OK without a JSON-RPC answer"}"#);
    client.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn a_failing_call_names_the_status() {
    let (running, _) = one(&["status-500"]);
    let client = running.plain().await;
    let error = message(&client.error("tools/call", &tool("fail", "{}")).await);
    assert_eq!(error, "backend `odd`: answered 500 Internal Server Error");
    client.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn a_forgotten_session_is_opened_again_unseen() {
    let (running, journal) = one(&["session-404"]);
    for client in [running.plain().await, running.askable().await, running.modern()] {
        client.result("tools/call", &tool("forget", "{}")).await;
        let before = journal.messages("initialize").len();
        client.result("tools/call", &tool("hello", "{}")).await;
        assert!(journal.messages("initialize").len() > before, "no new session");
    }
    running.stop();
}

#[tokio::test]
async fn an_answer_in_small_pieces_is_put_together() {
    for arguments in [&["slow-trickle"][..], &["slow-trickle", "--json"]] {
        let (running, _) = one(arguments);
        let client = running.plain().await;
        assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["hello"]);
        let result = client.result("tools/call", &tool("hello", "{}")).await;
        assert_eq!(result, r#"{"content": [{"type": "text", "text": "hello"}]}"#);
        running.stop();
    }
}

#[tokio::test]
async fn sessions_at_backends_are_deleted_at_the_end() {
    let (mut running, journal) = one(&["sane"]);
    let (plain, own) = (running.plain().await, running.askable().await);
    plain.result("tools/call", &tool("hello", "{}")).await;
    own.result("tools/call", &tool("hello", "{}")).await;
    assert_eq!(own.end().await, 204);
    let deleted = until(Duration::from_secs(5), || journal.all("delete").len() == 1).await;
    assert!(deleted, "the session of a client that left stays");
    running.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(running.gateway().wait(Duration::from_secs(10)).code(), Some(0));
    // The catalogue's, the shared one and that of the client.
    assert_eq!(journal.messages("initialize").len(), 3);
    assert_eq!(journal.all("delete").len(), 3, "a session stays");
}

/// What the gateway says of a backend behind this URL, whose answer it waits for so many seconds.
async fn unreachable(url: &str, init: f64) -> String {
    let mut world = World::new();
    world.http("odd", &["sane"]);
    world.backend("odd", "url", url);
    world.backend("odd", "timeouts", serde_json::json!({"init": init}));
    let running = world.start();
    let said = running.says("backend is away backend=odd");
    let (_, cause) = said.split_once("backend is away backend=odd error=").unwrap();
    let cause = cause.split_once(" retry_in_ms").unwrap().0.to_owned();
    running.stop();
    cause
}

// `says` blocks its thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_reached_says_why() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let half_open = unreachable(&format!("http://127.0.0.1:{port}/mcp"), 0.5).await;
    assert_snapshot!(half_open, @"no answer to `server/discover` within 0.5 s");
    let no_name = unreachable("http://no-such-host.invalid/mcp", 20.0).await;
    assert!(no_name.contains("failed to lookup"), "{no_name}");
    let chatter = tokio::spawn(async move {
        while let Ok((mut socket, _)) = silent.accept().await {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut socket, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let no_tls = unreachable(&format!("https://127.0.0.1:{port}/mcp"), 20.0)
        .await
        .replace(&port.to_string(), "PORT");
    assert_snapshot!(no_tls, @"cannot reach https://127.0.0.1:PORT: client error (Connect): received corrupt message of type InvalidContentType; it does not seem to speak TLS: is http:// meant?");
    chatter.abort();
}

#[tokio::test]
async fn a_backend_that_knows_no_get_keeps_its_sessions_and_may_lose_them() {
    let (running, journal) = one(&["get-404"]);
    let plain = running.plain().await;
    let askable = running.askable().await;
    for client in [&plain, &askable] {
        client.result("tools/call", &tool("hello", "{}")).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let opened = || journal.messages("initialize").len();
    // The catalogue's, the shared one, and the one of the session that can be asked.
    assert_eq!(opened(), 3, "sessions are opened all the time");
    assert_eq!(journal.all("get").len(), 3);
    plain.result("tools/call", &tool("forget", "{}")).await;
    for client in [&plain, &askable] {
        client.result("tools/call", &tool("hello", "{}")).await;
    }
    running.stop();
}

#[tokio::test]
async fn a_session_that_is_lost_before_its_stream_stands_is_opened_again() {
    let mut world = World::new();
    // The first session is forgotten as soon as the backend hears that it stands.
    let script = world.script(
        "odd",
        r#"{"notifications/initialized": [{"forget": true}, {"turn": true}], "notifications/initialized#1": [], "tools/call hello": [{"result": {}}]}"#,
    );
    let journal = world.http("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    running.says("backend is ready backend=odd");
    running.plain().await.result("tools/call", &tool("hello", "{}")).await;
    assert!(journal.messages("initialize").len() >= 2);
    running.stop();
}
