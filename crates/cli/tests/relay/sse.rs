//! Backends over HTTP+SSE: everything that a call may hold passes, in both eras.

use std::collections::HashSet;
use std::time::Duration;

use argus_testkit::{Client, Entry, Journal, part, until};
use futures::future::join_all;

use crate::world::{Running, World, names, tool};

const SCRIPT: &str = r#"{
    "tools/call echo": [{"result": {"got":"@arguments","float":1.0}}],
    "tools/call work": [
        {"notify": "notifications/progress", "params": {"progressToken":"@token","progress":1.0}},
        {"notify": "notifications/message", "params": {"level":"info","data":2.0}},
        {"result": {"content":[]}}],
    "tools/call wait": [],
    "tools/call ask": [
        {"ask": "elicitation/create", "params": {"message":"@arguments","requestedSchema":{}}},
        {"result": {"answer":"@answer"}}]
}"#;

fn one(arguments: &[&str]) -> (Running, Journal) {
    let mut world = World::new();
    let script = world.script("sse", SCRIPT);
    let arguments = [&["verbatim", "--script", &script], arguments].concat();
    let journal = world.sse("odd", &arguments);
    world.backend(
        "odd",
        "headers",
        serde_json::json!({"X-Api-Key": "secret-of-the-header"}),
    );
    (world.start(), journal)
}

/// The stream that a message belongs to.
fn stream(entry: &Entry) -> String {
    entry.headers["stream"].clone()
}

#[tokio::test]
async fn lists_and_calls_pass_in_both_eras() {
    for era in ["legacy", "modern", "both"] {
        let (running, journal) = one(&["--era", era]);
        for client in [running.plain().await, running.askable().await, running.modern()] {
            let listed = client.result("tools/list", "{}").await;
            assert_eq!(names(&listed, "tools"), ["ask", "echo", "wait", "work"]);
            let result = client.result("tools/call", &tool("echo", r#"{"a": 1.50}"#)).await;
            assert_eq!(part(&result, "got").unwrap(), r#"{"a": 1.50}"#);
            assert_eq!(part(&result, "float").unwrap(), "1.0");
        }
        for entry in journal.entries() {
            if matches!(&*entry.what, "get" | "message") {
                assert_eq!(entry.headers["x-api-key"], "secret-of-the-header", "{entry:?}");
            }
        }
        // A connection speaks one era for its whole life.
        let opened: Vec<String> = journal.messages("initialize").iter().map(stream).collect();
        let discovered: Vec<String> = journal.messages("server/discover").iter().map(stream).collect();
        assert!(
            discovered.iter().all(|one| !opened.contains(one)),
            "{opened:?} {discovered:?}"
        );
        let own: HashSet<&String> = opened.iter().collect();
        assert_eq!(own.len(), opened.len(), "two handshakes on one connection");
        running.stop();
    }
}

#[tokio::test]
async fn the_agreed_revision_is_named_and_initialized_comes_before_requests() {
    let (running, journal) = one(&[]);
    running.plain().await.result("tools/call", &tool("echo", "{}")).await;
    let call = journal.message("tools/call").await.unwrap();
    assert_eq!(call.headers["mcp-protocol-version"], "2025-11-25");
    let order: Vec<String> = journal
        .entries()
        .iter()
        .filter(|entry| entry.what == "message" && stream(entry) == stream(&call))
        .filter_map(Entry::method)
        .collect();
    assert_eq!(order[..3], ["initialize", "notifications/initialized", "tools/call"]);
    running.stop();
}

#[tokio::test]
async fn progress_and_logs_come_before_the_result() {
    let (running, _) = one(&[]);
    let params = r#"{"name":"work","arguments":{},"_meta":{"progressToken":"mine"}}"#;
    let messages = running.plain().await.open("tools/call", params).await.all().await;
    assert_eq!(messages.len(), 3, "{messages:?}");
    assert_eq!(
        part(&messages[0], "params").unwrap(),
        r#"{"progressToken":"mine","progress":1.0}"#
    );
    assert_eq!(part(&messages[1], "params").unwrap(), r#"{"level":"info","data":2.0}"#);
    assert_eq!(part(&messages[2], "result").unwrap(), r#"{"content":[]}"#);
    running.stop();
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_at_the_backend() {
    let (running, journal) = one(&[]);
    let client = running.modern();
    let wait = tool("wait", "{}");
    let call = {
        let calling = std::pin::pin!(client.open("tools/call", &wait));
        let arrived = std::pin::pin!(journal.message("tools/call"));
        match futures::future::select(calling, arrived).await {
            futures::future::Either::Left((exchange, arrived)) => {
                let call = arrived.await;
                drop(exchange);
                call
            }
            futures::future::Either::Right((call, _)) => call,
        }
    };
    let call = call.unwrap();
    let cancelled = journal.message("notifications/cancelled").await.unwrap();
    assert_eq!(part(&cancelled.params().unwrap(), "requestId"), part(&call.text, "id"));
    assert_eq!(stream(&cancelled), stream(&call));
    running.stop();
}

async fn asked_and_answered(client: &Client, number: usize) {
    let arguments = format!(r#"{{"n":{number}}}"#);
    let mut exchange = client.open("tools/call", &tool("ask", &arguments)).await;
    let question = exchange.next().await.unwrap();
    let params = part(&question, "params").unwrap_or_else(|| panic!("no question: {question}"));
    assert_eq!(part(&params, "message").unwrap(), arguments, "somebody else's question");
    let id = part(&question, "id").unwrap();
    client
        .send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"mine":{number}}}}}"#
        ))
        .await;
    let result = part(&exchange.answer().await, "result").unwrap();
    assert_eq!(result, format!(r#"{{"answer":{{"mine":{number}}}}}"#));
}

#[tokio::test]
async fn eight_sessions_are_asked_each_on_a_connection_of_its_own_and_a_ninth_shares_one() {
    let (running, journal) = one(&[]);
    let clients = join_all((0..8).map(|_| running.askable())).await;
    let turns = clients.iter().enumerate().map(|(number, client)| async move {
        for turn in 0..3 {
            asked_and_answered(client, number * 10 + turn).await;
        }
    });
    join_all(turns).await;
    let askers: HashSet<String> = journal.messages("tools/call").iter().map(stream).collect();
    assert_eq!(askers.len(), 8);

    let ninth = running.askable().await;
    ninth.result("tools/call", &tool("echo", "{}")).await;
    running.says("another one shares and cannot be asked");
    let closed = || journal.all("closed").len();
    let before = closed();
    for client in clients {
        client.end().await;
    }
    let ended = until(Duration::from_secs(5), || closed() >= before + 8).await;
    assert!(
        ended,
        "connections of sessions that are over stay: {} {before}",
        closed()
    );
    running.stop();
}

#[tokio::test]
async fn a_connection_that_ends_fails_its_calls_at_once_and_is_made_again() {
    let mut world = World::new();
    let journal = world.sse("odd", &["closes-stdout-but-lives"]);
    let running = world.start();
    for client in [running.plain().await, running.askable().await] {
        client.result("tools/call", &tool("hello", "{}")).await;
        // It is made again at once, whether somebody calls or not.
        let before = journal.messages("initialize").len();
        let began = std::time::Instant::now();
        let error = client.error("tools/call", &tool("close", "{}")).await;
        assert_eq!(
            error,
            r#"{"code":-32010,"message":"backend `odd`: its event stream ended"}"#
        );
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        client.result("tools/call", &tool("hello", "{}")).await;
        assert!(journal.messages("initialize").len() > before, "no new connection");
    }
    running.stop();
}

#[tokio::test]
async fn a_changed_list_is_announced_when_it_is_shown() {
    let mut world = World::new();
    world.sse("odd", &["changes-tools"]);
    let running = world.start();
    let client = running.plain().await;
    let mut stream = client.listen().await;
    client.result("tools/call", &tool("change", "{}")).await;
    let told = stream.next().await.unwrap();
    assert!(told.contains("notifications/tools/list_changed"), "{told}");
    assert_eq!(
        names(&client.result("tools/list", "{}").await, "tools"),
        ["change", "fresh"]
    );
    running.stop();
}
