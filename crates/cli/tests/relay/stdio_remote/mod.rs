//! `argus-mcp stdio --url`: what a client over stdio sees of a gateway, or another server, that runs elsewhere.

mod breaks;

use std::time::Duration;

use argus_testkit::{OddServer, StdioClient, odd_program, part, until, unused_port};
use nix::sys::signal::Signal;

use crate::world::{ARGUS, Running, World, message, tool};

const LATEST: &str = "2025-11-25";
const PATHS: [&str; 2] = ["/mcp", "/sse"];

/// A client over stdio of this address.
fn client_of(url: &str) -> StdioClient {
    StdioClient::start(ARGUS, &["stdio", "--url", url])
}

/// An odd server, and where its journal is.
fn odd(world: &World, face: &str, arguments: &[&str]) -> (OddServer, argus_testkit::Journal) {
    let journal = argus_testkit::Journal::at(world.file("remote.journal"));
    let mut all = arguments.to_vec();
    all.extend(["--journal", journal.path().to_str().unwrap()]);
    (OddServer::start(odd_program(ARGUS), face, &all), journal)
}

async fn assert_ends_well(mut client: StdioClient) {
    client.close();
    while client.next().await.is_some() {}
    let (status, said) = client.ended(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

fn url_of(running: &Running, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", running.port())
}

#[tokio::test]
async fn a_legacy_client_and_its_own_spellings() {
    for path in PATHS {
        let mut world = World::new();
        let script = r#"{"tools/call hello": [
            {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 1.0}},
            {"notify": "notifications/message", "params": {"level": "info", "data": "log"}},
            {"result": {"said": "@arguments"}}]}"#;
        let script = world.script("odd", script);
        world.stdio("odd", &["verbatim", "--script", &script]);
        let running = world.start();
        let mut client = running.stdio(path);
        client.initialize(LATEST, "{}").await;
        for id in [r#""a\/b""#, "7.0", "-3"] {
            let params = r#"{"name":"hello","arguments":{"n": 1.50, "é":"\u00e9"},"_meta":{"progressToken":"t\/"}}"#;
            client.ask(id, "tools/call", params).await;
            let progress = client.next().await.unwrap();
            assert_eq!(
                part(&progress, "params").unwrap(),
                r#"{"progressToken": "t\/", "progress": 1.0}"#
            );
            assert!(client.next().await.unwrap().contains("notifications/message"));
            let answer = client.next().await.unwrap();
            assert_eq!(part(&answer, "id").unwrap(), id);
            assert_eq!(
                part(&answer, "result").unwrap(),
                r#"{"said": {"n": 1.50, "é":"\u00e9"}}"#
            );
        }
        assert_ends_well(client).await;
        running.stop();
    }
}

#[tokio::test]
async fn a_legacy_client_is_asked() {
    for path in PATHS {
        let mut world = World::new();
        let script = r#"{"tools/call ask": [
            {"ask": "elicitation/create", "params": {"message":"@arguments","requestedSchema":{}}},
            {"result": {"answer":"@answer"}}]}"#;
        let script = world.script("odd", script);
        world.http("odd", &["verbatim", "--script", &script]);
        let running = world.start();
        let mut client = running.stdio(path);
        client.initialize(LATEST, r#"{"elicitation":{}}"#).await;
        client.ask("1", "tools/call", &tool("ask", r#"{"n":1}"#)).await;
        let question = client.next().await.unwrap();
        assert_eq!(part(&question, "method").unwrap(), r#""elicitation/create""#);
        let id = part(&question, "id").unwrap();
        client
            .send(&format!(
                r#"{{"jsonrpc":"2.0","id":{id},"result":{{"action":"accept"}}}}"#
            ))
            .await;
        let answer = client.answer("1").await;
        assert_eq!(part(&answer, "result").unwrap(), r#"{"answer":{"action":"accept"}}"#);
        assert_ends_well(client).await;
        running.stop();
    }
}

#[tokio::test]
async fn a_modern_client_never_shakes_hands() {
    for path in PATHS {
        let mut world = World::new();
        world.stdio("odd", &["changes-tools", "--era", "modern"]);
        let running = world.start();
        let mut client = running.stdio(path);
        let filter = r#"{"notifications":{"toolsListChanged":true}}"#;
        client.ask_modern(r#""l""#, "subscriptions/listen", filter).await;
        assert!(client.next().await.unwrap().contains("acknowledged"));
        client.ask_modern("2", "tools/call", &tool("change", "{}")).await;
        assert!(part(&client.answer("2").await, "result").is_some());
        let changed = client.next().await.unwrap();
        assert!(
            changed.contains(r#""io.modelcontextprotocol/subscriptionId":"l""#),
            "{changed}"
        );
        client.ask_modern("3", "ping", "{}").await;
        assert!(part(&client.answer("3").await, "error").unwrap().contains("-32601"));
        client
            .send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"l"}}"#)
            .await;
        // The listener is gone, so nothing is left to wait for.
        client.close();
        assert_eq!(client.next().await, None);
        assert_ends_well(client).await;
        running.stop();
    }
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_at_the_backend() {
    for path in PATHS {
        for modern in [false, true] {
            let mut world = World::new();
            let script = world.script("odd", r#"{"tools/call wait": [{"gate": "/nowhere/at/all"}]}"#);
            let journal = world.stdio("odd", &["verbatim", "--script", &script]);
            let running = world.start();
            let mut client = running.stdio(path);
            if modern {
                client.ask_modern(r#""x""#, "tools/call", &tool("wait", "{}")).await;
            } else {
                client.initialize(LATEST, "{}").await;
                client.ask(r#""x""#, "tools/call", &tool("wait", "{}")).await;
            }
            journal.message("tools/call").await.expect("no call");
            client
                .send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}}"#)
                .await;
            let cancelled = journal.message("notifications/cancelled").await;
            assert!(cancelled.is_some(), "{path} modern {modern}");
            client.close();
            assert_eq!(client.next().await, None);
            assert_ends_well(client).await;
            running.stop();
        }
    }
}

#[tokio::test]
async fn what_happens_outside_calls_is_heard() {
    for path in PATHS {
        let mut world = World::new();
        world.stdio("odd", &["changes-tools"]);
        let running = world.start();
        let mut client = running.stdio(path);
        client.initialize(LATEST, "{}").await;
        client.result("1", "tools/call", &tool("change", "{}")).await;
        let changed = client.next().await.unwrap();
        assert!(changed.contains("notifications/tools/list_changed"), "{changed}");
        assert_ends_well(client).await;
        running.stop();
    }
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_does_no_harm() {
    for path in PATHS {
        let mut world = World::new();
        world.stdio("odd", &["sane"]);
        let running = world.start();
        let mut client = running.stdio(path);
        let long = "y".repeat(70 << 20);
        for (line, code) in [
            ("hello?", "-32700"),
            ("[]", "-32600"),
            ("42", "-32600"),
            (&long, "-32600"),
        ] {
            client.send(line).await;
            let refusal = client.next().await.unwrap();
            assert_eq!(
                part(&part(&refusal, "error").unwrap(), "code").unwrap(),
                code,
                "{refusal}"
            );
        }
        client.ask("1", "tools/list", "{}").await;
        let refusal = part(&client.answer("1").await, "error").unwrap();
        assert!(refusal.contains("initialize"), "{refusal}");
        client.initialize(LATEST, "{}").await;
        client.result("2", "tools/call", &tool("hello", "{}")).await;
        assert_ends_well(client).await;
        running.stop();
    }
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_named_with_a_remedy() {
    futures::future::join_all(PATHS.map(async |path| {
        let url = format!("http://127.0.0.1:{}", unused_port());
        let mut client = client_of(&format!("{url}{path}?key=s3cret"));
        client
            .ask(
                r#""first""#,
                "initialize",
                r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#,
            )
            .await;
        let error = part(&client.answer(r#""first""#).await, "error").unwrap();
        let said = message(&error);
        assert!(said.contains(&url) && said.contains("argus-mcp server"), "{said}");
        assert!(!said.contains("s3cret"), "{said}");
        assert_ends_well(client).await;
    }))
    .await;
}

#[tokio::test]
async fn an_endpoint_that_starts_later_is_waited_for() {
    for face in ["--http", "--sse"] {
        let port = unused_port().to_string();
        let path = if face == "--sse" { "sse" } else { "mcp" };
        let mut client = client_of(&format!("http://127.0.0.1:{port}/{path}"));
        let params = r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#;
        client.ask("0", "initialize", params).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let world = World::new();
        let (_server, _) = odd(&world, face, &["sane", "--port", &port]);
        let answer = client.answer("0").await;
        assert!(part(&answer, "result").is_some(), "{face}: {answer}");
        client.result("1", "tools/call", &tool("hello", "{}")).await;
        assert_ends_well(client).await;
    }
}

#[tokio::test]
async fn credentials_are_sent_and_wrong_ones_are_explained() {
    let world = World::new();
    let (server, journal) = odd(&world, "--http", &["sane"]);
    let header = "X-Key: ${ARGUS_TEST_NOT_SET:-s3cret}";
    let mut client = StdioClient::start(ARGUS, &["stdio", "--url", server.url(), "--header", header, "-vv"]);
    client.initialize(LATEST, "{}").await;
    client.result("1", "tools/call", &tool("hello", "{}")).await;
    for method in ["initialize", "notifications/initialized", "tools/call"] {
        let entry = journal.message(method).await.unwrap();
        assert_eq!(entry.headers["x-key"], "s3cret", "{method}");
    }
    client.close();
    while client.next().await.is_some() {}
    let (_, said) = client.ended(Duration::from_secs(5)).await;
    assert!(!said.contains("s3cret"), "{said}");
    assert!(
        journal.find(|entry| entry.what == "delete").await.is_some(),
        "the session stays"
    );

    let script = world.script("refuses", r#"{"initialize": [{"status": 401}]}"#);
    let (server, _) = odd(&world, "--http", &["verbatim", "--script", &script]);
    let mut client = client_of(server.url());
    client
        .ask(
            "1",
            "initialize",
            r#"{"protocolVersion":"2025-11-25","capabilities":{}}"#,
        )
        .await;
    let error = part(&client.answer("1").await, "error").unwrap();
    assert!(message(&error).contains("--header"), "{error}");
    assert_ends_well(client).await;
}

#[tokio::test]
async fn a_client_that_reads_late_loses_nothing() {
    const CALLS: usize = 40;
    for path in PATHS {
        let mut world = World::new();
        let journal = world.stdio("odd", &["huge-result"]);
        let running = world.start();
        let mut client = running.stdio(path);
        client.initialize(LATEST, "{}").await;
        for number in 0..CALLS {
            client.ask(&number.to_string(), "tools/call", &tool("big", "{}")).await;
        }
        assert!(
            until(Duration::from_secs(20), || journal.messages("tools/call").len()
                == CALLS)
            .await
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut seen = [false; CALLS];
        for _ in 0..CALLS {
            let answer = client.next().await.expect("an answer is lost");
            assert!(answer.len() > 1 << 20, "{answer}");
            let id: usize = part(&answer, "id").unwrap().parse().unwrap();
            assert!(!std::mem::replace(&mut seen[id], true), "{id} twice");
        }
        assert_ends_well(client).await;
        running.stop();
    }
}

#[tokio::test]
async fn it_ends_with_its_client_and_with_signals() {
    for path in PATHS {
        let mut world = World::new();
        let script = world.script("odd", r#"{"tools/call wait": [{"gate": "/nowhere/at/all"}]}"#);
        let journal = world.stdio("odd", &["verbatim", "--script", &script]);
        let running = world.start();
        let mut killed = running.stdio(path);
        killed.initialize(LATEST, "{}").await;
        killed.ask("1", "tools/call", &tool("wait", "{}")).await;
        journal.message("tools/call").await.expect("no call");
        let status = killed.abandon().ended(Duration::from_secs(5)).await;
        assert_eq!(status.code(), Some(0));
        // Its session ends with it, and the call with the session.
        assert!(journal.message("notifications/cancelled").await.is_some(), "{path}");

        let mut signalled = running.stdio(path);
        signalled.initialize(LATEST, "{}").await;
        signalled.ask("1", "tools/call", &tool("wait", "{}")).await;
        signalled.signal(Signal::SIGTERM);
        let (status, said) = signalled.ended(Duration::from_secs(5)).await;
        assert_eq!(status.code(), Some(0), "{said}");
        running.stop();
    }
}

#[tokio::test]
async fn only_requests_wait_for_others_to_be_answered() {
    let world = World::new();
    let gate = world.file("gate");
    let script = format!(
        r#"{{"tools/call ask": [{{"ask": "elicitation/create", "params": {{"message":"?"}}}}, {{"gate": {gate:?}}}, {{"result": {{"answer":"@answer"}}}}],
            "tools/call wait": [{{"gate": {gate:?}}}, {{"result": {{}}}}]}}"#
    );
    let script = world.script("remote", &script);
    let (server, journal) = odd(&world, "--sse", &["verbatim", "--script", &script]);
    let mut client = client_of(server.url());
    client.initialize(LATEST, r#"{"elicitation":{}}"#).await;
    client.ask("0", "tools/call", &tool("ask", "{}")).await;
    let question = client.next().await.unwrap();
    for id in 1..=1010 {
        client.ask(&id.to_string(), "tools/call", &tool("wait", "{}")).await;
    }
    let arrived = |id: u32| {
        let id = id.to_string();
        let calls = journal.messages("tools/call");
        calls.iter().any(|call| part(&call.text, "id").as_ref() == Some(&id))
    };
    assert!(until(Duration::from_secs(20), || arrived(999)).await);
    // Answers and cancellations are no new requests.
    let asked = part(&question, "id").unwrap();
    client
        .send(&format!(
            r#"{{"jsonrpc":"2.0","id":{asked},"result":{{"action":"accept"}}}}"#
        ))
        .await;
    let cancel =
        |id: u32| format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#);
    client.send(&cancel(1005)).await;
    assert!(!arrived(1000), "more requests are in flight than may be");
    client.send(&cancel(7)).await;
    let answered = |entry: &argus_testkit::Entry| part(&entry.text, "result").is_some();
    assert!(journal.find(answered).await.is_some(), "the answer waits");
    assert!(
        journal.message("notifications/cancelled").await.is_some(),
        "the cancellation waits"
    );
    // There is room for one more.
    assert!(until(Duration::from_secs(5), || arrived(1000)).await);
    assert!(!arrived(1001));
    std::fs::write(&gate, "").unwrap();
    let mut ids = std::collections::HashSet::new();
    // This server answers what was cancelled, too.
    for _ in 0..1010 {
        let answer = client.next().await.expect("an answer is lost");
        ids.insert(part(&answer, "id").unwrap());
    }
    assert!(ids.len() == 1010 && !ids.contains("1005"));
    assert!(!arrived(1005), "a request was sent after it was cancelled");
    assert_eq!(journal.messages("notifications/cancelled").len(), 1);
    assert_ends_well(client).await;
}
