//! Backends that are lost and come back: clients do not notice, and what must not be done twice is not.

use std::time::{Duration, Instant};

use argus_testkit::{Client, Journal, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::reload::manage;
use crate::world::{Running, World, message, names, tool};

/// Tools that wait for a file: one without hints, one that only reads, one that may be repeated; and a resource.
fn waiting(gate: &std::path::Path) -> String {
    let wait = format!(r#"[{{"stderr": "going"}}, {{"gate": {gate:?}}}, {{"result": {{"pid": "@pid"}}}}]"#);
    format!(
        r#"{{"initialize": [{{"result": {{"protocolVersion": "2025-11-25", "capabilities": {{"tools": {{}}, "resources": {{"subscribe": true}}}},
                "serverInfo": {{"name": "odd", "version": "1"}}}}}}],
            "tools/list": [{{"result": {{"tools": [
                {{"name": "write", "inputSchema": {{"type": "object"}}}},
                {{"name": "read", "inputSchema": {{"type": "object"}}, "annotations": {{"readOnlyHint": true}}}},
                {{"name": "put", "inputSchema": {{"type": "object"}}, "annotations": {{"readOnlyHint": false, "idempotentHint": true}}}}]}}}}],
            "resources/list": [{{"result": {{"resources": [{{"uri": "odd://one", "name": "one"}}]}}}}],
            "resources/subscribe": [{{"result": {{}}}}],
            "tools/call write": {wait}, "tools/call read": {wait}, "tools/call put": {wait}, "resources/read": {wait}}}"#
    )
    // What an answer says is written as it is: on one line.
    .replace('\n', " ")
}

fn waiting_world() -> (World, Journal, std::path::PathBuf) {
    let mut world = World::new();
    let gate = world.file("gate");
    let script = world.script("odd", &waiting(&gate));
    let arguments = ["verbatim", "--script", &script];
    let journal = world.stdio("odd", &arguments);
    (world, journal, gate)
}

/// Kills the process that works on the last message of a method, as soon as it came.
async fn kill_at(journal: &Journal, method: &str) -> Instant {
    let pid = journal.message(method).await.expect("the call does not arrive").pid;
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    Instant::now()
}

#[tokio::test]
async fn what_does_no_harm_is_done_again_on_a_new_process() {
    for (method, params) in [
        ("tools/call", tool("read", "{}")),
        ("tools/call", tool("put", "{}")),
        ("resources/read", r#"{"uri":"odd://one"}"#.to_owned()),
    ] {
        let (world, journal, gate) = waiting_world();
        let running = world.start();
        for client in [running.plain().await, running.askable().await, running.modern()] {
            let _ = std::fs::remove_file(&gate);
            let before = journal.messages(method).len();
            let calling = client.result(method, &params);
            let killing = async {
                until(Duration::from_secs(10), || journal.messages(method).len() > before).await;
                let process = journal.messages(method).last().unwrap().pid;
                kill(Pid::from_raw(process.cast_signed()), Signal::SIGKILL).unwrap();
                std::fs::write(&gate, "").unwrap();
                process
            };
            let (result, killed) = futures::join!(calling, killing);
            assert!(
                result.contains("\"pid\"") && !result.contains(&killed.to_string()),
                "{method} {params}: {result}"
            );
            assert_eq!(journal.messages(method).len(), before + 2);
        }
        running.stop();
    }
}

#[tokio::test]
async fn what_may_do_harm_fails_within_a_second_and_says_why() {
    let (world, journal, _) = waiting_world();
    let running = world.start();
    for client in [running.plain().await, running.askable().await] {
        let before = journal.messages("tools/call").len();
        let write = tool("write", "{}");
        let calling = client.error("tools/call", &write);
        let killing = async {
            until(Duration::from_secs(10), || {
                journal.messages("tools/call").len() > before
            })
            .await;
            let process = journal.messages("tools/call").last().unwrap().pid;
            // It writes to stderr right after that.
            let heard = || {
                let logs = manage(&running, "GET", "backends/odd/logs").1;
                let mut lines = logs["lines"].as_array().unwrap().iter();
                lines.any(|line| line["line"] == "going" && line["pid"] == process)
            };
            assert!(until(Duration::from_secs(20), heard).await, "it says nothing");
            kill(Pid::from_raw(process.cast_signed()), Signal::SIGKILL).unwrap();
            Instant::now()
        };
        let (error, killed) = futures::join!(calling, killing);
        // On a busy machine; a call that is not told of the end takes a minute.
        assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
        assert_eq!(
            message(&error),
            "backend `odd`: the process ended (killed by signal 9 (SIGKILL)); last line on stderr: going"
        );
        assert_eq!(journal.messages("tools/call").len(), before + 1, "it was done twice");
    }
    running.stop();
}

/// Subscribes, kills the process that the subscription is with, and hears of the resource all the same.
async fn subscription_survives(running: &Running, journal: &Journal, client: Client) {
    let mut stream = client.listen().await;
    let before = journal.messages("resources/subscribe").len();
    client.result("resources/subscribe", r#"{"uri":"odd://one"}"#).await;
    let subscribed = journal.messages("resources/subscribe");
    assert_eq!(subscribed.len(), before + 1);
    kill(
        Pid::from_raw(subscribed.last().unwrap().pid.cast_signed()),
        Signal::SIGKILL,
    )
    .unwrap();
    let renewed = until(Duration::from_secs(5), || {
        journal.messages("resources/subscribe").len() == before + 2
    })
    .await;
    assert!(renewed, "the subscription is not renewed: {}", running.said());
    let update = loop {
        let heard = stream.next().await.unwrap();
        if heard.contains("resources/updated") {
            break heard;
        }
    };
    assert!(update.contains(r#""uri":"odd://one""#), "{update}");
}

#[tokio::test]
async fn subscriptions_are_renewed_on_a_new_process() {
    let (world, journal, _) = waiting_world();
    let running = world.start();
    subscription_survives(&running, &journal, running.plain().await).await;
    subscription_survives(&running, &journal, running.askable().await).await;
    running.stop();
}

#[tokio::test]
async fn a_process_that_ends_is_started_again_though_nobody_calls() {
    let (world, journal, _) = waiting_world();
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/list", "{}").await;
    client.call("tools/call", &tool("unknown", "{}")).await;
    client
        .call(
            "completion/complete",
            r#"{"ref":{"type":"ref/resource","uri":"odd://one"},"argument":{"name":"a","value":"b"}}"#,
        )
        .await;
    let started = journal.all("start");
    assert_eq!(started.len(), 2, "the catalogue's and the shared one");
    for process in &started {
        kill(Pid::from_raw(process.pid.cast_signed()), Signal::SIGKILL).unwrap();
    }
    let again = until(Duration::from_secs(20), || journal.all("start").len() == 4).await;
    assert!(again, "{}", running.said());
    running.stop();
}

#[tokio::test]
async fn a_backend_that_is_away_stays_listed_for_the_grace_period() {
    let kept = [("0", false), ("60", true), (r#""drop""#, false), (r#""keep""#, true)];
    for (grace, stays) in kept {
        let grace: serde_json::Value = serde_json::from_str(grace).unwrap();
        let mut world = World::new();
        let program = world.file("program");
        std::os::unix::fs::symlink(argus_testkit::odd_program(env!("CARGO_BIN_EXE_argus-mcp")), &program).unwrap();
        let journal = world.stdio("odd", &["sane"]);
        world.backend("odd", "command", program.to_str().unwrap());
        world.root("catalogue", serde_json::json!({ "grace": grace }));
        let running = world.start();
        let client = running.plain().await;
        assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["hello"]);
        std::fs::remove_file(&program).unwrap();
        kill_at(&journal, "tools/list").await;
        running.says("does not exist");
        let listed = until_listed(&client, if stays { 1 } else { 0 }).await;
        assert!(listed, "grace {grace}");
        let error = message(&client.error("tools/call", &tool("hello", "{}")).await);
        assert!(error.starts_with("backend `odd`: cannot start:"), "{error}");
        running.stop();
    }
}

async fn until_listed(client: &Client, count: usize) -> bool {
    for _ in 0..100 {
        if names(&client.result("tools/list", "{}").await, "tools").len() == count {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[tokio::test]
#[ignore = "times itself: scripts/test.sh runs it beside no other test"]
async fn half_of_a_thousand_calls_are_cut_and_none_is_mixed_up() {
    let mut world = World::new();
    let gate = world.file("gate");
    let script = format!(
        r#"{{"tools/call echo": [{{"gate": {gate:?}}}, {{"result": {{"said": "@arguments"}}}}],
            "tools/call cut": [{{"gate": "/nonexistent/never"}}]}}"#
    );
    let script = world.script("odd", &script);
    let frail = world.stdio("frail", &["verbatim", "--script", &script]);
    let steady = world.stdio("steady", &["verbatim", "--script", &script]);
    let running = world.start();
    let (legacy, modern) = (running.plain().await, running.modern());
    let calls = (0..1000).map(|number| {
        let client = if number % 4 < 2 { &legacy } else { &modern };
        let cut = number % 2 == 0;
        let name = if cut { "cut" } else { "steady_echo" };
        let params = tool(name, &format!(r#"{{"n":{number}}}"#));
        async move { (number, cut, client.call("tools/call", &params).await, Instant::now()) }
    });
    let killing = async {
        let arrived = || frail.messages("tools/call").len() + steady.messages("tools/call").len();
        let began = Instant::now();
        while arrived() < 1000 {
            assert!(
                began.elapsed() < Duration::from_secs(25),
                "the calls do not arrive: {}",
                arrived()
            );
            // Looking is work, too.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // In one blow: the shared process of the legacy clients and that of the modern ones may be two.
        let processes: std::collections::BTreeSet<u32> =
            frail.messages("tools/call").iter().map(|entry| entry.pid).collect();
        for pid in processes {
            kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
        }
        let killed = Instant::now();
        std::fs::write(&gate, "").unwrap();
        killed
    };
    let (ended, killed) = futures::join!(futures::future::join_all(calls), killing);
    for (number, cut, answer, at) in ended {
        let took = at.saturating_duration_since(killed);
        assert!(took < Duration::from_secs(5), "call {number} took {took:?}");
        if cut {
            assert!(
                answer.contains("backend `frail`: the process ended (killed by signal 9"),
                "{answer}"
            );
        } else {
            assert!(
                answer.contains(&format!(r#""said": {{"n":{number}}}"#)),
                "{number}: {answer}"
            );
        }
    }
    running.stop();
}

#[tokio::test]
async fn a_subscription_that_the_backend_refuses_is_not_renewed() {
    let (world, journal, gate) = waiting_world();
    let script = waiting(&gate).replace(
        r#""resources/subscribe": [{"result": {}}]"#,
        r#""resources/subscribe": [{"error": {"code": -32603, "message": "no"}}]"#,
    );
    world.script("odd", &script);
    let running = world.start();
    let client = running.plain().await;
    client.error("resources/subscribe", r#"{"uri":"odd://one"}"#).await;
    kill_at(&journal, "resources/subscribe").await;
    let starts = journal.messages("initialize").len();
    let renewed = until(Duration::from_secs(5), || journal.messages("initialize").len() > starts).await;
    assert!(renewed, "it is not started again: {}", running.said());
    // What is subscribed to is renewed at about the same time as the lists are.
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(journal.messages("resources/subscribe").len(), 1);
    running.stop();
}
