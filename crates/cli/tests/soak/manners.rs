//! Sessions that take more than a plain call: over HTTP+SSE, with links of their own, with streamed answers.

use std::time::Duration;

use argus_testkit::{Client, Gateway, Launch, OddServer, SseClient, odd_program, part, until};
use futures::future::join_all;
use serde_json::json;

use crate::{ARGUS, CLIENTS, PLAY_KIB, held, setting};

const SCRIPT: &str = r#"{
    "tools/call ask": [{"ask": "elicitation/create", "params": {"message": "?", "requestedSchema": {}}}, {"result": {"heard": "@answer"}}],
    "tools/call count": [
        {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 1}},
        {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 2}},
        {"result": {"content": []}}]}"#;
const COUNT: &str = r#"{"name":"count","arguments":{},"_meta":{"progressToken":7}}"#;

/// Does something `count` times, by some clients at once.
async fn together(count: usize, once: impl AsyncFn()) {
    let once = &once;
    let clients = (0..CLIENTS).map(|_| async move {
        for _ in 0..count.div_ceil(CLIENTS) {
            once().await;
        }
    });
    join_all(clients).await;
}

/// A session over HTTP+SSE, with a plain call and one with progress.
async fn over_sse(port: u16) {
    let mut client = SseClient::open(port, "{}").await;
    client.ask("1", "tools/call", COUNT).await;
    for expected in ["\"progress\": 1", "\"progress\": 2", "\"result\""] {
        let said = client.next().await.unwrap();
        assert!(said.contains(expected), "{said}");
    }
}

/// A session with an event stream for its answer.
async fn streamed(port: u16) {
    let client = Client::legacy(port, "{}").await;
    let exchange = client.open("tools/call", COUNT).await;
    assert!(exchange.streams);
    assert_eq!(exchange.all().await.len(), 3);
    assert_eq!(client.end().await, 204);
}

/// A session with a link of its own, on which it is asked.
async fn asked(port: u16, tool: &str) {
    let client = Client::legacy(port, r#"{"elicitation":{}}"#).await;
    let mut exchange = client
        .open("tools/call", &format!(r#"{{"name":"{tool}","arguments":{{}}}}"#))
        .await;
    let said = exchange.next().await.unwrap();
    if let Some(id) = part(&said, "id").filter(|_| part(&said, "method").is_some()) {
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"action":"decline"}}}}"#);
        assert_eq!(client.send(&answer).await, 202);
        assert!(exchange.answer().await.contains("decline"));
    } else {
        // There may be no room for another process; over HTTP there always is.
        assert!(tool == "ask" && said.contains("-32601"), "{said}");
    }
    assert_eq!(client.end().await, 204);
}

async fn all_manners(port: u16, count: usize) {
    together(count, async || over_sse(port).await).await;
    together(count, async || streamed(port).await).await;
    together(count, async || asked(port, "far_ask").await).await;
    // Each a process.
    together(count / 10, async || asked(port, "ask").await).await;
}

/// Waits until the sessions that were ended are really over.
async fn settled(gateway: &Gateway, descriptors: usize) {
    until(Duration::from_secs(10), || held(gateway).descriptors <= descriptors).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_flat_whatever_sessions_do() {
    let count = setting("ARGUS_SOAK_SESSIONS", 10_000) / 10;
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    std::fs::write(&script, SCRIPT).unwrap();
    let arguments = ["verbatim", "--script", script.to_str().unwrap()];
    let far = OddServer::start(odd_program(ARGUS), "--http", &arguments);
    let config = json!({"backends": {
        "near": {"type": "stdio", "command": odd_program(ARGUS), "args": arguments},
        "far": {"type": "streamable-http", "url": far.url()},
    }});
    let gateway = Launch::new(ARGUS)
        .argument("--log-level")
        .argument("error")
        .start(&config);
    let port = gateway.port();
    let idle = held(&gateway).descriptors;
    all_manners(port, 400).await;
    settled(&gateway, idle + 12).await;
    let before = held(&gateway);
    all_manners(port, count).await;
    settled(&gateway, before.descriptors).await;
    let after = held(&gateway);
    assert!(
        after.resident_kib <= before.resident_kib + PLAY_KIB,
        "{count} sessions of each kind: {before:?}, then {after:?}"
    );
    assert!(
        after.descriptors <= before.descriptors + 8,
        "{before:?}, then {after:?}"
    );
    gateway.stop();
}
