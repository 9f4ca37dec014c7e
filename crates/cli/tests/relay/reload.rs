//! The configuration changes while the gateway runs: what changes takes effect, and nothing else is disturbed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use argus_testkit::{Journal, is_gone, until};
use futures::StreamExt;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::world::{Running, World, message, names, tool};

const SOON: Duration = Duration::from_secs(10);

/// Asks the management API; gives the status and the body.
pub(crate) fn manage(running: &Running, method: &str, path: &str) -> (u16, Value) {
    let (status, body) = asked(running, method, &format!("/manage/v1/{path}"));
    (status, serde_json::from_str(&body).unwrap())
}

/// The same for any path.
pub(crate) fn asked(running: &Running, method: &str, path: &str) -> (u16, String) {
    let mut wire = TcpStream::connect(("127.0.0.1", running.port())).unwrap();
    wire.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    wire.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    wire.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// Reloads; it must work.
pub(crate) fn reload(running: &Running) -> Value {
    let (status, body) = manage(running, "POST", "reload");
    assert_eq!((status, &body["reloaded"]), (200, &Value::Bool(true)), "{body}");
    body
}

/// The events of reloads.
fn told(running: &Running) -> Vec<Value> {
    let (_, all) = manage(running, "GET", "events?limit=1000");
    let events = all["events"].as_array().unwrap().iter();
    events.filter(|event| event["stage"] == "reload").cloned().collect()
}

/// Reloads what was rewritten, by which this became of this backend: `added`, `removed` or `changed`. Where that takes its
/// time, the watch of the file is first, and what is asked for finds nothing new.
fn reload_names(running: &Running, what: &str, backend: &str) {
    let answer = reload(running)[format!("backends_{what}")].clone();
    let told: Vec<Value> = told(running)
        .iter()
        .map(|event| event["details"][what].clone())
        .collect();
    let wanted = json!([backend]);
    let named = told.iter().position(|told| *told == wanted);
    let named = named.unwrap_or_else(|| panic!("{what} {backend}: {told:?}"));
    let was_first = named + 1 < told.len();
    assert!(
        answer == wanted || (was_first && answer == json!([])),
        "{answer} {told:?}"
    );
}

/// A process with a tool that says which process it is, and one that waits for a file before it does.
pub(crate) fn who_and_wait(world: &mut World) -> (Journal, std::path::PathBuf) {
    let gate = world.file("gate");
    let script = format!(
        r#"{{"tools/call who": [{{"result": {{"pid": "@pid"}}}}],
            "tools/call wait": [{{"gate": {gate:?}}}, {{"result": {{"pid": "@pid"}}}}],
            "tools/list": [{{"result": {{"tools": [
                {{"name": "who", "inputSchema": {{"type": "object"}}}},
                {{"name": "wait", "inputSchema": {{"type": "object"}}}}]}}}}]}}"#
    );
    let script = world.script("odd", &script.replace('\n', " "));
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    (journal, gate)
}

pub(crate) fn processes(journal: &Journal) -> Vec<u32> {
    journal.all("start").iter().map(|entry| entry.pid).collect()
}

pub(crate) async fn all_gone(processes: &[u32]) {
    let gone = until(SOON, || processes.iter().all(|pid| is_gone(*pid))).await;
    assert!(gone, "{processes:?} are left");
}

#[tokio::test]
async fn the_file_is_watched_backends_come_and_go_and_sessions_stay() {
    let mut world = World::new();
    let one = world.stdio("one", &["sane"]);
    let mut running = world.start();
    let client = running.plain().await;
    let mut stream = client.listen().await;
    assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["hello"]);
    running.world().stdio("two", &["sane"]);
    running.rewrite();
    let told = stream.next().await.unwrap();
    assert!(told.contains("tools/list_changed"), "{told}");
    assert_eq!(
        names(&client.result("tools/list", "{}").await, "tools"),
        ["hello", "two_hello"]
    );
    client.result("tools/call", &tool("two_hello", "{}")).await;
    client.result("tools/call", &tool("hello", "{}")).await;

    let of_one = processes(&one);
    running.world().without("one");
    running.rewrite();
    let told = stream.next().await.unwrap();
    assert!(told.contains("tools/list_changed"), "{told}");
    assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["hello"]);
    client.result("tools/call", &tool("hello", "{}")).await;
    let error = client.error("tools/call", &tool("two_hello", "{}")).await;
    assert!(message(&error).contains("two_hello"), "{error}");
    all_gone(&of_one).await;
    running.stop();
}

#[tokio::test]
async fn what_needs_no_reconnect_applies_without_one() {
    let mut world = World::new();
    let (journal, _) = who_and_wait(&mut world);
    let mut running = world.start();
    let clients = [running.plain().await, running.askable().await, running.modern()];
    let mut before = Vec::new();
    for client in &clients {
        before.push(client.result("tools/call", &tool("who", "{}")).await);
    }
    let started = processes(&journal);
    let mut stream = clients[0].listen().await;
    let world = running.world();
    world.backend("odd", "filters", json!({"tools": {"deny": ["wait"]}}));
    world.backend("odd", "tool_overrides", json!({"who": {"name": "whoami"}}));
    world.backend("odd", "group", "red");
    world.backend("odd", "labels", json!({"owner": "me"}));
    world.backend("odd", "timeouts", json!({"call": 3}));
    world.backend("odd", "max_waiting_calls", 1);
    world.server("page_size", 5);
    running.rewrite();
    reload_names(&running, "changed", "odd");
    let told = stream.next().await.unwrap();
    assert!(told.contains("tools/list_changed"), "{told}");
    for (client, before) in clients.iter().zip(before) {
        assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["whoami"]);
        assert_eq!(client.result("tools/call", &tool("whoami", "{}")).await, before);
        client.error("tools/call", &tool("wait", "{}")).await;
    }
    assert_eq!(processes(&journal), started, "a process was started for it");
    let (_, groups) = manage(&running, "GET", "groups");
    assert_eq!(groups["groups"]["red"]["servers"], json!(["odd"]));
    let (_, backends) = manage(&running, "GET", "backends");
    assert_eq!(backends["backends"][0]["labels"], json!({"owner": "me"}), "{backends}");
    running.stop();
}

#[tokio::test]
async fn a_call_finishes_on_the_old_process_while_new_ones_go_to_the_new_one() {
    let mut world = World::new();
    let (journal, gate) = who_and_wait(&mut world);
    let mut running = world.start();
    let clients = [running.plain().await, running.askable().await, running.modern()];
    let wait = tool("wait", "{}");
    let who = tool("who", "{}");
    let mut before = Vec::new();
    for client in &clients {
        before.push(client.result("tools/call", &who).await);
    }
    let old = processes(&journal);
    let calling = futures::future::join_all(clients.iter().map(|client| client.result("tools/call", &wait)));
    let changing = async {
        let arrived = until(SOON, || {
            let calls = journal.messages("tools/call");
            calls.iter().filter(|call| call.text.contains("wait")).count() == 3
        });
        assert!(arrived.await, "the calls do not arrive");
        running.world().backend("odd", "env", json!({"OTHER": "s3cret"}));
        running.rewrite();
        reload_names(&running, "changed", "odd");
        for (client, before) in clients.iter().zip(&before) {
            assert_ne!(
                client.result("tools/call", &who).await,
                *before,
                "it is the old process"
            );
        }
        let calls = journal.messages("tools/call");
        let mut waiting = calls.iter().filter(|call| call.text.contains("wait"));
        assert!(
            waiting.all(|call| !is_gone(call.pid)),
            "an old process ended before its calls"
        );
        std::fs::write(&gate, "").unwrap();
    };
    let (waited, ()) = futures::join!(calling, changing);
    assert_eq!(waited, before);
    all_gone(&old).await;
    assert!(!running.said().contains("s3cret"));
    running.stop();
}

#[tokio::test]
async fn calls_that_wait_for_a_turn_go_to_the_new_process_in_order() {
    const WAITING: usize = 12;
    let mut world = World::new();
    let (journal, gate) = who_and_wait(&mut world);
    world.backend("odd", "max_concurrent_calls", 1);
    let mut running = world.start();
    let client = running.plain().await;
    let busy = tool("wait", "{}");
    let calling = client.result("tools/call", &busy);
    let changing = async {
        assert!(until(SOON, || !journal.messages("tools/call").is_empty()).await);
        let mut waiting = futures::stream::FuturesUnordered::new();
        for number in 0..WAITING {
            let client = &client;
            let who = tool("who", &format!(r#"{{"n":{number}}}"#));
            waiting.push(async move { client.result("tools/call", &who).await });
            // So that they arrive in this order.
            let arrived = || manage(&running, "GET", "backends/odd").1["calls"]["waiting"] == number + 1;
            tokio::select! {
                answer = waiting.next() => panic!("it does not wait: {answer:?}"),
                arrived = until(SOON, arrived) => assert!(arrived, "it does not arrive"),
            }
        }
        let old = journal.messages("tools/call")[0].pid;
        running.world().backend("odd", "env", json!({"OTHER": "x"}));
        running.rewrite();
        reload(&running);
        let answered = tokio::time::timeout(SOON, waiting.collect::<Vec<_>>()).await;
        let answered = answered.expect("they wait for the call on the old process");
        assert!(answered.iter().all(|answer| !answer.contains(&old.to_string())));
        std::fs::write(&gate, "").unwrap();
    };
    futures::join!(calling, changing);
    let calls = journal.messages("tools/call");
    let told: Vec<_> = calls[1..].iter().map(|call| call.params().unwrap()).collect();
    let in_order: Vec<_> = (0..WAITING).map(|number| format!(r#"{{"n":{number}}}"#)).collect();
    assert_eq!(told.len(), WAITING);
    let right = |(told, n): (&String, &String)| told.contains(n);
    assert!(told.iter().zip(&in_order).all(right), "{told:?}");
    running.stop();
}

#[tokio::test]
async fn one_that_was_removed_is_not_started_again_and_says_no_more() {
    let mut world = World::new();
    let (journal, gate) = who_and_wait(&mut world);
    let mut running = world.start();
    let client = running.plain().await;
    let wait = tool("wait", "{}");
    let calling = client.result("tools/call", &wait);
    let removing = async {
        assert!(until(SOON, || !journal.messages("tools/call").is_empty()).await);
        let before = processes(&journal);
        running.world().without("odd");
        running.rewrite();
        reload_names(&running, "removed", "odd");
        let told = |running: &Running| {
            let (_, all) = manage(running, "GET", "events?limit=1000");
            let events = all["events"].as_array().unwrap().iter();
            let life = |event: &&Value| {
                event["backend"] == "odd"
                    && event["stage"]
                        .as_str()
                        .is_some_and(|stage| stage.starts_with("backend_"))
            };
            events.filter(life).count()
        };
        let said = told(&running);
        // The process of the lists; the one that has the call goes on.
        let listing = journal.messages("tools/list")[0].pid;
        kill(Pid::from_raw(listing.cast_signed()), Signal::SIGKILL).unwrap();
        assert!(until(SOON, || is_gone(listing)).await);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(processes(&journal), before, "it was started again");
        assert_eq!(told(&running), said, "it says something");
        std::fs::write(&gate, "").unwrap();
    };
    futures::join!(calling, removing);
    all_gone(&processes(&journal)).await;
    running.stop();
}

#[tokio::test]
async fn another_health_is_that_of_new_processes() {
    let mut world = World::new();
    let (journal, _) = who_and_wait(&mut world);
    let mut running = world.start();
    let client = running.plain().await;
    let before = client.result("tools/call", &tool("who", "{}")).await;
    let old = processes(&journal);
    running.world().backend("odd", "health", json!({"interval": 0.1}));
    running.rewrite();
    reload_names(&running, "changed", "odd");
    assert_ne!(client.result("tools/call", &tool("who", "{}")).await, before);
    all_gone(&old).await;
    let asked = || {
        let questions = journal.messages("ping");
        questions.iter().filter(|ping| !old.contains(&ping.pid)).count() > 2
    };
    assert!(until(SOON, asked).await, "the new process is not asked");
    running.stop();
}

#[tokio::test]
async fn calls_that_take_longer_than_the_drain_are_cut_off() {
    let mut world = World::new();
    world.server("drain_timeout", 0.3);
    let (journal, _) = who_and_wait(&mut world);
    let mut running = world.start();
    let client = running.plain().await;
    let wait = tool("wait", "{}");
    let calling = client.error("tools/call", &wait);
    let removing = async {
        assert!(until(SOON, || !journal.messages("tools/call").is_empty()).await);
        running.world().without("odd");
        running.rewrite();
        reload_names(&running, "removed", "odd");
        Instant::now()
    };
    let (error, removed) = futures::join!(calling, removing);
    assert!(removed.elapsed() < Duration::from_secs(20), "{:?}", removed.elapsed());
    assert!(message(&error).contains("backend `odd`"), "{error}");
    all_gone(&processes(&journal)).await;
    running.stop();
}

#[tokio::test]
async fn a_subscription_goes_on_at_the_backend_that_takes_the_place() {
    let mut world = World::new();
    let script = r#"{"initialize": [{"result": {"protocolVersion": "2025-11-25", "capabilities": {"resources": {"subscribe": true}}, "serverInfo": {"name": "odd", "version": "1"}}}], "resources/list": [{"result": {"resources": [{"uri": "odd://one", "name": "one"}]}}], "resources/subscribe": [{"result": {}}]}"#;
    let script = world.script("odd", script);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let mut running = world.start();
    let clients = [running.plain().await, running.askable().await];
    for client in &clients {
        client.result("resources/subscribe", r#"{"uri":"odd://one"}"#).await;
    }
    let old = processes(&journal);
    let before = journal.messages("resources/subscribe").len();
    let mut streams = [clients[0].listen().await, clients[1].listen().await];
    running.world().backend("odd", "env", json!({"OTHER": "x"}));
    running.rewrite();
    reload(&running);
    let renewed = until(SOON, || {
        let subscribed = journal.messages("resources/subscribe");
        let fresh: Vec<_> = subscribed[before..].iter().map(|one| one.pid).collect();
        fresh.iter().collect::<std::collections::HashSet<_>>().len() == 2 && fresh.iter().all(|pid| !old.contains(pid))
    });
    assert!(
        renewed.await,
        "the subscriptions are not made again: {}",
        running.said()
    );
    for stream in &mut streams {
        while !stream.next().await.unwrap().contains("resources/updated") {}
    }
    all_gone(&old).await;
    running.stop();
}

#[tokio::test]
async fn a_broken_file_changes_nothing_until_it_is_mended() {
    let mut world = World::new();
    let journal = world.stdio("one", &["sane"]);
    let mut running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let started = processes(&journal);
    let (_, before) = manage(&running, "GET", "status");
    running.rewrite_as("server: {prot: 1}\nbackends: {one: {type: stdio}}\n");
    let (status, refused) = manage(&running, "POST", "reload");
    assert_eq!((status, &refused["reloaded"]), (200, &Value::Bool(false)));
    let errors = refused["errors"].to_string();
    assert!(
        errors.contains("prot") && errors.contains("command") && errors.contains("config.yaml:1:"),
        "{errors}"
    );
    let events = told(&running);
    let event = events.last().unwrap();
    assert_eq!((&event["severity"], &event["backend"]), (&json!("error"), &Value::Null));
    let details = &event["details"];
    assert_eq!(
        (&details["applied"], &details["errors"]),
        (&json!(false), &json!(2)),
        "{event}"
    );
    assert_eq!(details["first_error"], refused["errors"][0]);
    running.says("the configuration is not reloaded");
    client.result("tools/call", &tool("hello", "{}")).await;
    assert_eq!(processes(&journal), started);
    let (_, after) = manage(&running, "GET", "status");
    assert_eq!(before["config"], after["config"]);

    running.world().stdio("two", &["sane"]);
    running.rewrite();
    running.says("the configuration was reloaded");
    let listed = until_listed(&client, 2).await;
    assert_eq!(listed, ["hello", "two_hello"]);
    assert_eq!(processes(&journal), started);
    let (_, mended) = manage(&running, "GET", "status");
    assert_ne!(before["config"]["loaded_at"], mended["config"]["loaded_at"]);
    assert_eq!(mended["config"]["backend_count"], 2);
    let events = told(&running);
    let applied =
        json!({"applied": true, "added": ["two"], "removed": [], "changed": [], "keys": [], "needs_restart": []});
    assert!(
        events
            .iter()
            .any(|event| event["details"] == applied && event["severity"] == "info"),
        "{events:?}"
    );
    // Those that came later are told of as well.
    let (_, all) = manage(&running, "GET", "events");
    let ready = |event: &&Value| event["stage"] == "backend_ready" && event["backend"] == "two";
    assert_eq!(
        all["events"].as_array().unwrap().iter().filter(ready).count(),
        1,
        "{all}"
    );
    running.stop();
}

async fn until_listed(client: &argus_testkit::Client, count: usize) -> Vec<String> {
    let began = Instant::now();
    loop {
        let listed = names(&client.result("tools/list", "{}").await, "tools");
        if listed.len() == count || began.elapsed() > SOON {
            return listed;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_hangup_reloads_and_what_the_command_line_says_still_holds() {
    let mut world = World::new();
    world.stdio("one", &["sane"]);
    let mut running = world.start_with(|launch| launch.env("ARGUS_MGMT_TOKEN", "0123456789abcdef0123"));
    running.signal(Signal::SIGHUP);
    let said = running.says("the configuration was reloaded");
    assert!(said.contains("SIGHUP"), "{said}");
    // The token of the environment and the port of the command line are no changes.
    assert!(!said.contains("next start only"), "{said}");
    assert_eq!(manage(&running, "POST", "reload").0, 401);
    running.world().server("host", "127.0.0.2");
    running.rewrite();
    running.signal(Signal::SIGHUP);
    let said = running.says("next start only");
    assert!(said.contains("server.host"), "{said}");
    let client = running.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn without_the_flag_nothing_is_reloaded() {
    let mut world = World::new();
    world.stdio("one", &["sane"]);
    world.root("feature_flags", json!({"hot_reload": false}));
    let mut running = world.start();
    let client = running.plain().await;
    running.world().stdio("two", &["sane"]);
    running.rewrite();
    let (status, body) = manage(&running, "POST", "reload");
    assert_eq!((status, &body["error"]), (409, &json!("conflict")), "{body}");
    running.signal(Signal::SIGHUP);
    running.says("feature_flags.hot_reload is false");
    // Longer than the watch would need.
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["hello"]);
    running.stop();
}
