//! Tasks of both eras, at backends on every transport.

use std::time::Duration;

use argus_testkit::{Client, Exchange, Journal, part, until};
use serde_json::json;

use crate::world::{Running, World};

const KINDS: [&str; 3] = ["stdio", "http", "sse"];
const RELATED: &str = "io.modelcontextprotocol/related-task";
const EXTENSION: &str = r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#;

/// A backend of 2025-11-25 whose tool `job` begins the task `t-1`. Somebody else's is `foreign`. Its
/// tool `long` begins one that ends when there is the file that `GATE` stands for.
fn legacy() -> String {
    let tasks = json!({"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}});
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}, "tasks": tasks}});
    let related = json!({RELATED: {"taskId": "t-1"}});
    let question = json!({"message": "?", "requestedSchema": {"type": "object"}, "_meta": related});
    let steps = json!({
        "initialize": [{"result": hello}],
        "tools/call job": [{"result": {"task": {"taskId": "t-1", "status": "working"}, "params": "@params"}}],
        "tools/call tell": [
            {"feed": "notifications/tasks/status", "params": {"taskId": "foreign", "status": "failed"}},
            {"feed": "notifications/tasks/status", "params": {"taskId": "t-1", "status": "completed"}},
            {"result": {"content": []}}],
        "tasks/get t-1": [{"result": {"status": "working", "taskId": "t-1", "ttl": 1.5, "_meta": {"x": 1}}}],
        "tasks/cancel t-1": [{"result": {"status": "cancelled", "taskId": "t-1"}}],
        "tasks/result t-1": [
            {"ask": "elicitation/create", "params": question},
            {"result": {"answer": "@answer", "_meta": related}}],
        "tools/call long": [{"result": {"task": {"taskId": "t-2", "status": "working"}}}],
        "tasks/result t-2": [{"gate": "GATE"}, {"result": {"content": []}}],
        "tools/call asks": [
            {"ask": "elicitation/create", "params": {"message": "?", "requestedSchema": {"type": "object"}}},
            {"result": {"answer": "@answer"}}],
        "tools/call logs": [
            {"feed": "notifications/message", "params": {"level": "error", "data": "mine"}},
            {"result": {"content": []}}],
        "tools/call slow": [{"sleep": 400}, {"result": {"content": []}}],
        "tasks/list": [{"result": {"tasks": [{"taskId": "foreign"}, {"taskId": "t-1", "ttl": 1.5}]}}],
    });
    // A number that a program would spell otherwise.
    steps.to_string().replace("1.5", "1.50")
}

/// The same of 2026-07-28.
fn modern() -> String {
    let capabilities = json!({"tools": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}});
    let steps = json!({
        "server/discover": [{"result": {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities}}],
        "tools/call job": [{"result": {"resultType": "task", "taskId": "t-1", "ttlMs": 1.5}}],
        "tasks/get t-1": [{"result": {"resultType": "complete", "taskId": "t-1", "result": {"taskId": "t-1"}, "ttlMs": 1.5}}],
        "tasks/update t-1": [{"result": {"resultType": "complete", "x": "@params"}}],
        "tasks/cancel t-1": [{"result": {"resultType": "complete"}}],
    });
    steps.to_string().replace("1.5", "1.50")
}

/// A world with such a backend behind one of the transports.
fn world(kind: &str, era: &str) -> (World, Journal) {
    let mut world = World::new();
    let text = if era == "modern" { modern() } else { legacy() };
    let gate = json!(world.file("gate")).to_string();
    let text = text.replace("\"GATE\"", &gate);
    let script = world.script("odd", &text);
    let arguments = ["verbatim", "--script", &script, "--era", era];
    let journal = match kind {
        "http" => world.http("odd", &arguments),
        "sse" => world.sse("odd", &arguments),
        _ => world.stdio("odd", &arguments),
    };
    (world, journal)
}

/// Begins a task; gives its id, as JSON.
async fn begin(client: &Client) -> String {
    let result = client
        .result("tools/call", r#"{"name":"job","task":{"ttl":1.50}}"#)
        .await;
    let task = part(&result, "task").unwrap_or_else(|| result.clone());
    part(&task, "taskId").unwrap()
}

/// The parameters about a task.
fn about(id: &str) -> String {
    format!(r#"{{"n":1.50,"taskId":{id}}}"#)
}

fn extended(running: &Running) -> Client {
    Client::modern(running.port(), EXTENSION)
}

async fn refuses(client: &Client, method: &str, id: &str, code: &str) {
    let error = client.error(method, &about(id)).await;
    assert_eq!(part(&error, "code").unwrap(), code, "{method}: {error}");
}

#[tokio::test]
async fn legacy_tasks_lead_back_byte_by_byte() {
    for kind in KINDS {
        for own in [false, true] {
            let (world, journal) = world(kind, "legacy");
            let running = world.start();
            let client = if own {
                running.askable().await
            } else {
                running.plain().await
            };
            let id = begin(&client).await;
            assert_ne!(id, r#""t-1""#);
            let call = journal.message("tools/call").await.unwrap().params().unwrap();
            assert!(call.contains(r#""task":{"ttl":1.50}"#), "{call}");
            assert_eq!(
                client.result("tasks/get", &about(&id)).await,
                format!(r#"{{"status":"working","taskId":{id},"ttl":1.50,"_meta":{{"x":1}}}}"#)
            );
            let asked = journal.message("tasks/get").await.unwrap().params().unwrap();
            assert_eq!(asked, r#"{"n":1.50,"taskId":"t-1"}"#);
            assert_eq!(
                client.result("tasks/cancel", &about(&id)).await,
                format!(r#"{{"status":"cancelled","taskId":{id}}}"#)
            );
            assert_eq!(
                client.result("tasks/list", "{}").await,
                format!(r#"{{"tasks":[{{"taskId":{id},"ttl":1.50}}]}}"#)
            );
            running.stop();
        }
    }
}

#[tokio::test]
async fn a_task_asks_its_client() {
    for kind in KINDS {
        let (world, _) = world(kind, "legacy");
        let running = world.start();
        let client = running.askable().await;
        let id = begin(&client).await;
        let mut waiting = client.open("tasks/result", &about(&id)).await;
        let question = waiting.next().await.unwrap();
        let related = format!(r#"{{"{RELATED}":{{"taskId":{id}}}}}"#);
        assert!(question.contains(&related), "{question}");
        let number = part(&question, "id").unwrap();
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{number},"result":{{"action":"decline","_meta":{related}}}}}"#);
        assert_eq!(client.send(&answer).await, 202);
        let result = part(&waiting.answer().await, "result").unwrap();
        let theirs = format!(r#"{{"{RELATED}":{{"taskId":"t-1"}}}}"#);
        assert_eq!(
            part(&result, "answer").unwrap(),
            format!(r#"{{"action":"decline","_meta":{theirs}}}"#)
        );
        assert_eq!(part(&result, "_meta").unwrap(), related);
        running.stop();
    }
}

#[tokio::test]
async fn a_tasks_question_is_not_given_to_another_call_which_would_end_it() {
    for kind in KINDS {
        let (world, journal) = world(kind, "legacy");
        let running = world.start();
        let client = running.askable().await;
        let id = begin(&client).await;
        let slow = client.open("tools/call", r#"{"name":"slow"}"#);
        let waiting = async {
            let before = || journal.messages("tools/call").len() == 2;
            assert!(until(Duration::from_secs(5), before).await);
            let mut waiting = client.open("tasks/result", &about(&id)).await;
            let question = waiting.next().await.unwrap();
            (part(&question, "id").unwrap(), waiting)
        };
        let (slow, (number, waiting)) = tokio::join!(async { slow.await.all().await }, waiting);
        assert_eq!(slow.len(), 1, "{slow:?}");
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{number},"result":{{"action":"cancel"}}}}"#);
        assert_eq!(client.send(&answer).await, 202);
        let result = part(&waiting.answer().await, "result").unwrap();
        assert_eq!(part(&result, "answer").unwrap(), r#"{"action":"cancel"}"#);
        running.stop();
    }
}

/// Begins a task that takes long, and waits for its end.
async fn wait_long(client: &Client, journal: &Journal) -> Exchange {
    let begun = client.result("tools/call", r#"{"name":"long","task":{}}"#).await;
    let id = part(&part(&begun, "task").unwrap(), "taskId").unwrap();
    let about = about(&id);
    let waiting = client.open("tasks/result", &about);
    let there = until(Duration::from_secs(5), || !journal.messages("tasks/result").is_empty());
    let (waiting, there) = tokio::join!(waiting, there);
    assert!(there);
    waiting
}

#[tokio::test]
async fn who_waits_for_a_task_does_not_get_what_another_call_asks_or_says() {
    for kind in ["stdio", "sse"] {
        let (world, journal) = world(kind, "legacy");
        let running = world.start();
        let client = running.askable().await;
        let waiting = wait_long(&client, &journal).await;
        let mut asking = client.open("tools/call", r#"{"name":"asks"}"#).await;
        let question = asking.next().await.unwrap();
        let number = part(&question, "id").unwrap();
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{number},"result":{{"action":"cancel"}}}}"#);
        assert_eq!(client.send(&answer).await, 202);
        assert!(part(&asking.answer().await, "result").is_some());
        std::fs::write(running.file("gate"), "").unwrap();
        assert!(part(&waiting.answer().await, "result").is_some());
        running.stop();
    }
}

#[tokio::test]
async fn who_waits_for_a_task_takes_no_logs_from_others() {
    let (world, journal) = world("stdio", "legacy");
    let running = world.start();
    let (client, other) = (running.plain().await, running.plain().await);
    let waiting = wait_long(&client, &journal).await;
    let said = other.open("tools/call", r#"{"name":"logs"}"#).await.all().await;
    assert_eq!(said.len(), 2, "{said:?}");
    // It gives up waiting, and haunts nobody.
    drop(waiting);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let said = other.open("tools/call", r#"{"name":"logs"}"#).await.all().await;
    assert_eq!(said.len(), 2, "{said:?}");
    running.stop();
}

#[tokio::test]
async fn nobody_else_knows_a_legacy_task_or_hears_of_it() {
    for kind in KINDS {
        let (world, journal) = world(kind, "legacy");
        let running = world.start();
        let (client, other) = (running.plain().await, running.plain().await);
        let id = begin(&client).await;
        for method in ["tasks/get", "tasks/result", "tasks/cancel"] {
            refuses(&other, method, &id, "-32602").await;
            refuses(&client, method, r#""t-1""#, "-32602").await;
            assert!(journal.messages(method).is_empty());
        }
        assert_eq!(other.result("tasks/list", "{}").await, r#"{"tasks":[]}"#);
        let (mut heard, mut unheard) = (client.listen().await, other.listen().await);
        // Over HTTP the backend's own stream may not stand yet.
        let told = async {
            loop {
                other.result("tools/call", r#"{"name":"tell"}"#).await;
                if let Some(told) = heard.next_within(Duration::from_millis(300)).await {
                    return told;
                }
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(20), told).await.unwrap();
        assert_eq!(
            part(&told, "params").unwrap(),
            format!(r#"{{"taskId":{id},"status":"completed"}}"#)
        );
        assert_eq!(unheard.next_within(Duration::from_millis(300)).await, None);
        running.stop();
    }
}

#[tokio::test]
async fn modern_tasks_lead_back_byte_by_byte() {
    for kind in KINDS {
        let (world, journal) = world(kind, "modern");
        let running = world.start();
        let client = extended(&running);
        let id = begin(&client).await;
        assert_ne!(id, r#""t-1""#);
        assert_eq!(
            client.result("tasks/get", &about(&id)).await,
            format!(r#"{{"resultType":"complete","taskId":{id},"result":{{"taskId":"t-1"}},"ttlMs":1.50}}"#)
        );
        let update = client.result("tasks/update", &about(&id)).await;
        let asked = part(&update, "x").unwrap();
        assert!(asked.starts_with(r#"{"n":1.50,"taskId":"t-1","#), "{asked}");
        assert_eq!(
            client.result("tasks/cancel", &about(&id)).await,
            r#"{"resultType":"complete"}"#
        );
        let elsewhere = extended(&running).at([127, 0, 0, 2].into());
        let plain = running.modern();
        for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
            let before = journal.messages(method).len();
            refuses(&elsewhere, method, &id, "-32602").await;
            refuses(&client, method, r#""t-1""#, "-32602").await;
            refuses(&plain, method, &id, "-32021").await;
            assert_eq!(journal.messages(method).len(), before);
        }
        refuses(&running.plain().await, "tasks/get", &id, "-32601").await;
        running.stop();
    }
}

#[tokio::test]
async fn a_task_is_found_again_after_the_program_was_stopped_or_killed() {
    for kill in [false, true] {
        for kind in KINDS {
            let (world, _) = world(kind, "both");
            let running = world.start_with_state();
            let (client, other) = (running.plain().await, running.plain().await);
            let id = begin(&client).await;
            // A start without one knows no session of before.
            let journal = running.file("state/sessions.journal");
            assert!(until(Duration::from_secs(5), || journal.exists()).await);
            let stopped = if kill { running.killed() } else { running.stopped() };
            let running = stopped.start_with_state();
            let (client, other) = (client.moved(running.port()), other.moved(running.port()));
            let got = client.result("tasks/get", &about(&id)).await;
            assert_eq!(part(&got, "taskId").unwrap(), id);
            refuses(&other, "tasks/get", &id, "-32602").await;
            let listed = client.result("tasks/list", "{}").await;
            assert_eq!(listed, format!(r#"{{"tasks":[{{"taskId":{id},"ttl":1.50}}]}}"#));
            running.stop();
        }
    }
    for kind in KINDS {
        let (world, _) = world(kind, "modern");
        let running = world.start_with_state();
        let id = begin(&extended(&running)).await;
        let running = running.killed().start_with_state();
        let got = extended(&running).result("tasks/get", &about(&id)).await;
        assert_eq!(part(&got, "taskId").unwrap(), id);
        running.stop();
    }
}
