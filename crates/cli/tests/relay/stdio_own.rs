//! `argus-mcp stdio` with a gateway of its own: what a client over stdio sees, and what is left when it is gone.

use std::time::Duration;

use argus_testkit::{Journal, StdioClient, is_gone, part, until};
use nix::sys::signal::Signal;

use crate::world::{World, tool};

const LATEST: &str = "2025-11-25";

/// A backend whose tool `wait` says that it is at work, and answers when a file is there.
fn waiting(world: &mut World) -> (Journal, std::path::PathBuf) {
    let gate = world.file("gate");
    let script = format!(
        r#"{{"tools/call wait": [{{"notify": "notifications/message", "params": {{"level":"info","data":1}}}}, {{"gate": {gate:?}}}, {{"result": {{"done":1.0}}}}],
        "tools/call hello": [{{"result": {{"said": "@arguments"}}}}]}}"#
    );
    let script = world.script("odd", &script);
    (world.stdio("odd", &["verbatim", "--script", &script]), gate)
}

/// The processes of a backend.
fn started(journal: &Journal) -> Vec<u32> {
    journal.all("start").iter().map(|entry| entry.pid).collect()
}

async fn assert_all_gone(journal: &Journal, limit: Duration) {
    let processes = started(journal);
    assert!(!processes.is_empty());
    assert!(
        until(limit, || processes.iter().all(|&pid| is_gone(pid))).await,
        "left behind: {processes:?}"
    );
}

/// The client says nothing more: the program ends well, and so does everything that it started.
async fn assert_ends_well(mut client: StdioClient, journal: &Journal) {
    client.close();
    while client.next().await.is_some() {}
    let (status, said) = client.ended(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    assert_all_gone(journal, Duration::from_secs(2)).await;
}

#[tokio::test]
async fn a_legacy_client_and_its_own_spellings() {
    let mut world = World::new();
    let script = r#"{"tools/call hello": [
        {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 1.0}},
        {"notify": "notifications/message", "params": {"level": "info", "data": "log"}},
        {"result": {"said": "@arguments"}}]}"#;
    let script = world.script("odd", script);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let mut client = world.start_own();
    let opened = client.initialize("2024-11-05", "{}").await;
    assert!(opened.contains(r#""protocolVersion":"2024-11-05""#), "{opened}");
    // What `argus-mcp server` knows is left alone.
    let state = client.state();
    assert!(state.join("stdio").is_dir() && !state.join("eras").exists() && !state.join("seal.key").exists());
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
    assert_ends_well(client, &journal).await;
}

#[tokio::test]
async fn a_legacy_client_is_asked() {
    let mut world = World::new();
    let script = r#"{"tools/call ask": [
        {"ask": "elicitation/create", "params": {"message":"@arguments","requestedSchema":{}}},
        {"ask": "sampling/createMessage", "params": {"messages":[]}},
        {"result": {"answer":"@answer"}}]}"#;
    let script = world.script("odd", script);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let mut client = world.start_own();
    client.initialize(LATEST, r#"{"elicitation":{},"sampling":{}}"#).await;
    client.ask("1", "tools/call", &tool("ask", r#"{"n":1}"#)).await;
    for (method, answer) in [
        ("elicitation/create", r#"{"action":"accept"}"#),
        ("sampling/createMessage", r#"{"mine":1.0}"#),
    ] {
        let question = client.next().await.unwrap();
        assert_eq!(part(&question, "method").unwrap(), format!("{method:?}"));
        let id = part(&question, "id").unwrap();
        client
            .send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{answer}}}"#))
            .await;
    }
    let answer = client.answer("1").await;
    assert_eq!(part(&answer, "result").unwrap(), r#"{"answer":{"mine":1.0}}"#);
    assert_ends_well(client, &journal).await;
}

#[tokio::test]
async fn a_modern_client_never_shakes_hands() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["changes-tools", "--era", "modern"]);
    let mut client = world.start_own();
    client.ask_modern(r#""d""#, "server/discover", "{}").await;
    let discovered = client.answer(r#""d""#).await;
    assert!(discovered.contains("supportedVersions"), "{discovered}");
    client
        .ask_modern(
            r#""l""#,
            "subscriptions/listen",
            r#"{"notifications":{"toolsListChanged":true}}"#,
        )
        .await;
    let acknowledged = client.next().await.unwrap();
    assert!(
        acknowledged.contains("notifications/subscriptions/acknowledged"),
        "{acknowledged}"
    );
    assert!(
        acknowledged.contains(r#""io.modelcontextprotocol/subscriptionId":"l""#),
        "{acknowledged}"
    );
    client.ask_modern("2", "tools/call", &tool("change", "{}")).await;
    let answer = client.answer("2").await;
    assert!(part(&answer, "result").is_some(), "{answer}");
    let changed = client.next().await.unwrap();
    assert!(changed.contains("notifications/tools/list_changed"), "{changed}");
    assert!(
        changed.contains(r#""io.modelcontextprotocol/subscriptionId":"l""#),
        "{changed}"
    );
    // No longer listening, it hears nothing of the end of the gateway.
    client
        .send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"l"}}"#)
        .await;
    client.ask_modern("3", "tools/call", &tool("hello", "{}")).await;
    client.answer("3").await;
    client.close();
    assert_eq!(client.next().await, None);
    assert_ends_well(client, &journal).await;
}

#[tokio::test]
async fn a_listener_hears_the_end() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["sane"]);
    let mut client = world.start_own();
    let filter = r#"{"notifications":{"toolsListChanged":true}}"#;
    client.ask_modern("1", "subscriptions/listen", filter).await;
    assert!(client.next().await.unwrap().contains("acknowledged"));
    client.close();
    let last = client.next().await.expect("the listener breaks off");
    assert!(last.contains(r#""resultType":"complete""#), "{last}");
    assert_ends_well(client, &journal).await;
}

#[tokio::test]
async fn a_cancelled_call_is_cancelled_at_the_backend() {
    for modern in [false, true] {
        let mut world = World::new();
        let (journal, _) = waiting(&mut world);
        let mut client = world.start_own();
        if modern {
            client.ask_modern(r#""x""#, "tools/call", &tool("wait", "{}")).await;
        } else {
            client.initialize(LATEST, "{}").await;
            client.ask(r#""x""#, "tools/call", &tool("wait", "{}")).await;
        }
        // Cancelled at once: the order of the lines counts.
        client
            .send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x"}}"#)
            .await;
        client.ask_modern("2", "tools/call", &tool("hello", "{}")).await;
        let answer = client.answer("2").await;
        assert!(part(&answer, "result").is_some(), "{answer}");
        // Cancelled while it is at work.
        client.ask_modern(r#""y""#, "tools/call", &tool("wait", "{}")).await;
        assert!(
            until(Duration::from_secs(5), || journal.messages("tools/call").iter().any(
                |call| { call.params().unwrap().contains("wait") && call.method().is_some() }
            ))
            .await
        );
        client
            .send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"y"}}"#)
            .await;
        let cancelled = journal.message("notifications/cancelled").await;
        assert!(cancelled.is_some(), "modern {modern}");
        client.close();
        while let Some(message) = client.next().await {
            let id = part(&message, "id").unwrap_or_default();
            assert!(id != r#""x""# && id != r#""y""#, "{message}");
        }
        assert_ends_well(client, &journal).await;
    }
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_does_no_harm() {
    let mut world = World::new();
    world.server("max_body_bytes", 2000);
    let (journal, _) = waiting(&mut world);
    let mut client = world.start_own();
    for (line, code) in [
        ("hello?", "-32700"),
        ("{\"jsonrpc\":", "-32700"),
        ("[]", "-32600"),
        ("42", "-32600"),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, "-32600"),
        (&"x".repeat(2001), "-32600"),
        (&"y".repeat(3 << 20), "-32600"),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, "-32600"),
        (r#"{"jsonrpc":"2.0","id":"early","method":"tools/list"}"#, "-32600"),
    ] {
        client.send(line).await;
        let refusal = client.next().await.unwrap();
        assert_eq!(
            part(&part(&refusal, "error").unwrap(), "code").unwrap(),
            code,
            "{refusal}"
        );
    }
    client.write(b"\xff\xfe\n\n  \r\n").await;
    assert!(client.next().await.unwrap().contains("-32700"));
    client.initialize(LATEST, "{}").await;
    client.result("1", "tools/call", &tool("hello", "{}")).await;
    assert_ends_well(client, &journal).await;
}

#[tokio::test]
async fn batches_of_2025_03_26() {
    let mut world = World::new();
    let (journal, _) = waiting(&mut world);
    let mut client = world.start_own();
    client.initialize("2025-03-26", "{}").await;
    client
        .send(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hello"}}, 5]"#)
        .await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(part(&client.next().await.unwrap(), "id").unwrap());
    }
    ids.sort();
    assert_eq!(ids, ["1", "2", "null"]);
    assert_ends_well(client, &journal).await;
}

#[tokio::test]
async fn first_requests_may_be_written_all_at_once() {
    let mut world = World::new();
    let (journal, _) = waiting(&mut world);
    let mut client = world.start_own();
    let opening = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}"#;
    let rest = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello","arguments":{}}}"#;
    // The last line has no end, and nothing comes after it.
    client.write(format!("{opening}\n{rest}").as_bytes()).await;
    client.close();
    let first = client.next().await.unwrap();
    assert!(part(&first, "result").unwrap().contains("protocolVersion"), "{first}");
    assert_eq!(part(&client.answer("1").await, "result").unwrap(), r#"{"said": {}}"#);
    assert_ends_well(client, &journal).await;
}

#[tokio::test]
async fn a_client_that_reads_late_loses_nothing() {
    const CALLS: usize = 100;
    let mut world = World::new();
    let journal = world.stdio("odd", &["huge-result"]);
    let mut client = world.start_own();
    client.initialize(LATEST, "{}").await;
    // 100 MiB: more than may wait.
    for number in 0..CALLS {
        client.ask(&number.to_string(), "tools/call", &tool("big", "{}")).await;
    }
    assert!(
        until(Duration::from_secs(20), || journal.messages("tools/call").len()
            == CALLS)
        .await
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    let mut seen = [false; CALLS];
    for _ in 0..CALLS {
        let answer = client.next().await.expect("an answer is lost");
        assert!(answer.len() > 1 << 20, "{answer}");
        let id: usize = part(&answer, "id").unwrap().parse().unwrap();
        assert!(!std::mem::replace(&mut seen[id], true), "{id} twice");
    }
    assert_ends_well(client, &journal).await;
}

#[tokio::test]
async fn a_call_in_flight_is_still_answered_when_the_client_says_nothing_more() {
    let mut world = World::new();
    let (journal, gate) = waiting(&mut world);
    let mut client = world.start_own();
    client.initialize(LATEST, "{}").await;
    client.ask("1", "tools/call", &tool("wait", "{}")).await;
    journal.message("tools/call").await.expect("no call");
    client.close();
    tokio::time::sleep(Duration::from_millis(300)).await;
    std::fs::write(&gate, "").unwrap();
    let answer = client.answer("1").await;
    assert_eq!(part(&answer, "result").unwrap(), r#"{"done":1.0}"#);
    assert_ends_well(client, &journal).await;
}

#[tokio::test]
async fn a_call_without_end_does_not_outlive_shutdown_timeout() {
    let mut world = World::new();
    world.server("shutdown_timeout", 1);
    let (journal, _) = waiting(&mut world);
    let mut client = world.start_own();
    client.initialize(LATEST, "{}").await;
    client.ask("1", "tools/call", &tool("wait", "{}")).await;
    journal.message("tools/call").await.expect("no call");
    client.close();
    let answer = client.answer("1").await;
    assert!(part(&answer, "error").unwrap().contains("backend `odd`"), "{answer}");
    assert_ends_well(client, &journal).await;
}

#[tokio::test]
async fn nothing_is_left_when_the_client_was_killed_in_mid_call() {
    let mut world = World::new();
    world.server("shutdown_timeout", 600);
    let (journal, _) = waiting(&mut world);
    let mut client = world.start_own();
    client.initialize(LATEST, r#"{"elicitation":{}}"#).await;
    client.ask("1", "tools/call", &tool("wait", "{}")).await;
    journal.message("tools/call").await.expect("no call");
    let status = client.abandon().ended(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(0));
    assert_all_gone(&journal, Duration::from_secs(2)).await;
}

#[tokio::test]
async fn nothing_is_left_after_kill_9() {
    let mut world = World::new();
    let (journal, _) = waiting(&mut world);
    let mut client = world.start_own();
    client.initialize(LATEST, r#"{"elicitation":{}}"#).await;
    client.result("1", "tools/call", &tool("hello", "{}")).await;
    assert!(started(&journal).len() >= 2, "the session has no process of its own");
    client.signal(Signal::SIGKILL);
    client.ended(Duration::from_secs(5)).await;
    assert_all_gone(&journal, Duration::from_secs(2)).await;
}

#[tokio::test]
async fn a_signal_ends_it_well_and_at_once() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut world = World::new();
        world.server("shutdown_timeout", 600);
        let (journal, _) = waiting(&mut world);
        let mut client = world.start_own();
        client.initialize(LATEST, "{}").await;
        client.ask("1", "tools/call", &tool("wait", "{}")).await;
        journal.message("tools/call").await.expect("no call");
        client.signal(signal);
        let answer = client.answer("1").await;
        assert!(part(&answer, "error").is_some(), "{answer}");
        let (status, said) = client.ended(Duration::from_secs(5)).await;
        assert_eq!(status.code(), Some(0), "{said}");
        assert_all_gone(&journal, Duration::from_secs(2)).await;
    }
}
