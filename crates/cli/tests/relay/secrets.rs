//! What a backend was given in confidence, and says in an error, reaches no client.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::reload::manage;
use crate::world::{World, tool};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_secret_that_a_backend_refuses_with_reaches_nobody() {
    let mut world = World::new();
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"}});
    let refused = json!([{"error": {"code": -32001, "message": "invalid api key s3cret-key"}}]);
    // The first connection is that for the lists; then the key is refused.
    let script = json!({
        "initialize": [{"turn": true}, {"result": hello}],
        "initialize#1": refused,
        "server/discover": [{"error": {"code": -32601, "message": "unknown"}}],
        "ping": [{"result": {}}],
        "tools/list": [{"result": {"tools": [{"name": "hello", "inputSchema": {"type": "object"}}]}}],
    });
    let script = world.script("odd", &script.to_string());
    world.http("odd", &["verbatim", "--json", "--script", &script]);
    world.backend("odd", "headers", json!({"X-Key": "s3cret-key"}));
    world.backend("odd", "sharing", "session");
    let running = world.start();
    let client = running.plain().await;
    let error = client.error("tools/call", &tool("hello", "{}")).await;
    assert!(error.contains("invalid api key ***REDACTED***"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
    assert!(!running.said().contains("s3cret"), "{}", running.said());
    running.stop();
}

#[tokio::test]
async fn nor_does_one_that_calls_are_refused_with_for_a_while() {
    let mut world = World::new();
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"}});
    let refused = json!([{"error": {"code": -32001, "message": "invalid api key s3cret-key"}}]);
    let script = json!({
        "initialize": [{"result": hello}],
        "initialize#1": refused,
        "server/discover": [{"error": {"code": -32601, "message": "unknown"}}],
        "ping": [{"result": {}}],
        "tools/list": [{"result": {"tools": [{"name": "hello", "inputSchema": {"type": "object"}}]}}],
        "tools/call hello": [{"turn": true}, {"result": {"content": []}}],
    });
    let script = world.script("odd", &script.to_string());
    world.http("odd", &["verbatim", "--json", "--script", &script]);
    world.backend("odd", "headers", json!({"X-Key": "s3cret-key"}));
    world.backend("odd", "health", json!({"failures": 1, "cooldown": 60}));
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    manage(&running, "POST", "reconnect/odd");
    let began = Instant::now();
    loop {
        let answer = client.call("tools/call", &tool("hello", "{}")).await;
        assert!(!answer.contains("s3cret"), "{answer}");
        if answer.contains("not called after") && answer.contains("***REDACTED***") {
            break;
        }
        assert!(began.elapsed() < SOON, "{answer}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!running.said().contains("s3cret"), "{}", running.said());
    running.stop();
}
