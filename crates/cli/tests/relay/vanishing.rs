//! Legacy clients of a modern-only backend that disappear at any moment, or answer what they were not asked, and listeners
//! that disappear: nothing of it stays.

use std::time::Duration;

use argus_testkit::{Client, Entry, Journal, SseClient, part, until};
use serde_json::{Value, json};

use crate::world::{Running, World, tool};

const CAPABILITIES: &str = r#"{"elicitation":{},"roots":{}}"#;

/// A backend with one turn. Its tool `ask` waits for the file `first`, needs roots, waits for the file `second` in its
/// next round, and answers.
fn world(kind: &str) -> (World, Journal) {
    let mut world = World::new();
    let needs = json!({
        "resultType": "input_required", "inputRequests": {"k": {"method": "roots/list"}}, "requestState": "s",
    });
    let script = json!({
        "tools/call ask": [{"gate": world.file("first")}, {"turn": true}, {"result": needs}],
        "tools/call ask#1": [{"gate": world.file("second")}, {"result": {"resultType": "complete", "got": "@params"}}],
        "tools/call hello": [{"result": {"resultType": "complete"}}],
    });
    let script = world.script("odd", &script.to_string());
    let arguments = ["verbatim", "--script", &script, "--era", "modern"];
    let journal = match kind {
        "stdio" => world.stdio("odd", &arguments),
        "http" => world.http("odd", &arguments),
        _ => world.sse("odd", &arguments),
    };
    world.backend("odd", "max_concurrent_calls", 1);
    (world, journal)
}

/// Opens one of the two gates.
fn open(running: &Running, gate: &str) {
    std::fs::write(running.file(gate), "").unwrap();
}

/// One call at a time: another one is only answered when nothing is left of the first.
async fn turn_is_free(running: &Running) {
    let other = Client::legacy(running.port(), "{}").await;
    other.result("tools/call", &tool("hello", "{}")).await;
}

/// Waits until a call was given up at the backend.
async fn given_up(kind: &str, journal: &Journal) {
    let fits = |entry: &Entry| match kind {
        "http" => entry.what == "closed" && entry.method().as_deref() == Some("tools/call"),
        _ => entry.method().as_deref() == Some("notifications/cancelled"),
    };
    assert!(
        journal.find(fits).await.is_some(),
        "{kind}: the backend does not hear of it: {:?}",
        journal.entries()
    );
}

async fn next_request(client: &mut SseClient) -> String {
    loop {
        let message = client.next().await.unwrap();
        if part(&message, "method").is_some() && part(&message, "id").is_some() {
            return message;
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_at_any_step_leaves_nothing_behind() {
    for kind in ["stdio", "http", "sse"] {
        for step in ["before", "asked", "retried"] {
            let (world, journal) = world(kind);
            let running = world.start();
            let mut leaving = SseClient::open(running.port(), CAPABILITIES).await;
            leaving.ask("1", "tools/call", &tool("ask", "{}")).await;
            journal.message("tools/call").await.expect("no call");
            if step != "before" {
                open(&running, "first");
                let asked = next_request(&mut leaving).await;
                if step == "retried" {
                    let id = part(&asked, "id").unwrap();
                    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[]}}}}"#);
                    leaving.post(&answer).await;
                    let made = || journal.messages("tools/call").len() == 2;
                    assert!(until(Duration::from_secs(5), made).await);
                }
            }
            let made = journal.messages("tools/call").len();
            drop(leaving);
            if step != "asked" {
                given_up(kind, &journal).await;
            }
            turn_is_free(&running).await;
            let calls = journal.messages("tools/call");
            assert_eq!(calls.len(), made + 1, "{kind} {step}: it was called again");
            running.stop();
        }
    }
}

/// At `/mcp` a lost connection is no end; the end of the session is.
#[tokio::test]
async fn a_session_that_ends_at_any_step_leaves_nothing_behind() {
    for kind in ["stdio", "http", "sse"] {
        for step in ["before", "asked", "retried"] {
            let (world, journal) = world(kind);
            let running = world.start();
            let leaving = Client::legacy(running.port(), CAPABILITIES).await;
            let mut exchange = leaving.open("tools/call", &tool("ask", "{}")).await;
            journal.message("tools/call").await.expect("no call");
            if step != "before" {
                open(&running, "first");
                let asked = exchange.next().await.unwrap();
                if step == "retried" {
                    let id = part(&asked, "id").unwrap();
                    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[]}}}}"#);
                    leaving.send(&answer).await;
                    let made = || journal.messages("tools/call").len() == 2;
                    assert!(until(Duration::from_secs(5), made).await);
                }
            }
            let made = journal.messages("tools/call").len();
            assert_eq!(leaving.end().await, 204);
            if step != "asked" {
                given_up(kind, &journal).await;
            }
            turn_is_free(&running).await;
            let calls = journal.messages("tools/call");
            assert_eq!(calls.len(), made + 1, "{kind} {step}: it was called again");
            running.stop();
        }
    }
}

#[tokio::test]
async fn an_answer_to_what_was_not_asked_answers_nothing() {
    let (world, journal) = world("stdio");
    let running = world.start();
    open(&running, "first");
    open(&running, "second");
    let client = Client::legacy(running.port(), CAPABILITIES).await;
    let other = Client::legacy(running.port(), CAPABILITIES).await;
    let mut exchange = client.open("tools/call", &tool("ask", "{}")).await;
    let asked = exchange.next().await.unwrap();
    let id = part(&asked, "id").unwrap();
    let good = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"roots":[]}}}}"#);
    // Another's question, questions that nobody asked, the right one under an id of another kind, and no answer at all.
    other.send(&good).await;
    for wrong in [
        good.replace(&format!(r#""id":{id}"#), r#""id":4711"#),
        good.replace(&format!(r#""id":{id}"#), r#""id":null"#),
        good.replace(&format!(r#""id":{id}"#), &format!(r#""id":"{id}""#)),
        good.replace(r#","result":{"roots":[]}"#, ""),
        good.replace(
            r#""result":{"roots":[]}"#,
            r#""result":{},"error":{"code":1,"message":"x"}"#,
        ),
    ] {
        client.send(&wrong).await;
    }
    assert_eq!(exchange.next_within(Duration::from_millis(300)).await, None);
    assert_eq!(
        journal.messages("tools/call").len(),
        1,
        "something was taken for an answer"
    );
    // Twice is once.
    client.send(&good).await;
    client.send(&good).await;
    let got = part(&part(&exchange.answer().await, "result").unwrap(), "got").unwrap();
    assert_eq!(part(&got, "inputResponses").unwrap(), r#"{"k":{"roots":[]}}"#);
    assert_eq!(journal.messages("tools/call").len(), 2);
    turn_is_free(&running).await;
    running.stop();
}

/// A backend with a resource, of one era. A modern one acknowledges when the file `gate` is there.
fn with_resource(kind: &str, era: &str) -> (World, Journal) {
    let mut world = World::new();
    let capabilities = json!({"tools": {}, "resources": {"subscribe": true}});
    let mut script = json!({
        "resources/list": [{"result": {
            "resultType": "complete", "ttlMs": 0, "cacheScope": "public", "resources": [{"uri": "odd://one", "name": "one"}],
        }}],
        "resources/subscribe": [{"gate": world.file("gate")}, {"result": {}}],
        "resources/unsubscribe": [{"result": {}}],
        "subscriptions/listen": [
            {"gate": world.file("gate")},
            {"notify": "notifications/subscriptions/acknowledged", "params": {
                "_meta": {"io.modelcontextprotocol/subscriptionId": "@id"}, "notifications": "@notifications"}},
            {"gate": "/nowhere/at/all"}],
    });
    let (method, answer) = match era {
        "modern" => (
            "server/discover",
            json!({"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities}),
        ),
        _ => (
            "initialize",
            json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": {"name": "o", "version": "1"}}),
        ),
    };
    script[method] = json!([{"result": answer}]);
    let script = world.script("odd", &script.to_string());
    let arguments = ["verbatim", "--script", &script, "--era", era];
    let journal = match kind {
        "stdio" => world.stdio("odd", &arguments),
        "http" => world.http("odd", &arguments),
        _ => world.sse("odd", &arguments),
    };
    (world, journal)
}

fn asked_to_listen(entry: &Entry) -> bool {
    match entry.method().as_deref() {
        Some("resources/subscribe") => true,
        Some("subscriptions/listen") => entry.text.contains("odd://one"),
        _ => false,
    }
}

/// Whether the backend was told that nobody listens any more.
fn told_the_end(kind: &str, era: &str, listen: &Entry, entry: &Entry) -> bool {
    let id = part(&listen.text, "id");
    match (era, kind) {
        ("legacy", _) => entry.method().as_deref() == Some("resources/unsubscribe"),
        (_, "http") => entry.what == "closed" && part(&entry.text, "id") == id,
        _ => {
            entry.method().as_deref() == Some("notifications/cancelled")
                && entry.params().and_then(|params| part(&params, "requestId")) == id
        }
    }
}

#[tokio::test]
async fn a_listener_that_leaves_at_any_step_leaves_nothing_behind() {
    let filter: Value = json!({"notifications": {"toolsListChanged": true, "resourceSubscriptions": ["odd://one"]}});
    for era in ["legacy", "modern"] {
        for kind in ["stdio", "http", "sse"] {
            for early in [true, false] {
                let (world, journal) = with_resource(kind, era);
                let running = world.start();
                let client = running.modern();
                let filter = filter.to_string();
                if early {
                    let leaving = client.open("subscriptions/listen", &filter);
                    assert!(
                        tokio::time::timeout(Duration::from_millis(1000), leaving)
                            .await
                            .is_err()
                    );
                    open(&running, "gate");
                } else {
                    open(&running, "gate");
                    let mut stream = client.open("subscriptions/listen", &filter).await;
                    let acknowledged = stream.next().await.unwrap();
                    assert!(acknowledged.contains("odd://one"), "{kind} {era}: {acknowledged}");
                }
                let listen = journal.find(asked_to_listen).await.expect("nobody listens");
                let end = journal.find(|entry| told_the_end(kind, era, &listen, entry)).await;
                assert!(end.is_some(), "{kind} {era} {early}: {:?}", journal.entries());
                running.stop();
            }
        }
    }
}
