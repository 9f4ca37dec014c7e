//! A session outlives the program: it is stopped or killed, started again with its data folder, and the client goes on.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use argus_testkit::{Client, Exchange, Journal, part, until};
use serde_json::json;

use crate::world::{Running, World, names, tool};

/// A backend whose tool `touch` changes a resource, and whose tool `log` says something at two levels.
fn script(world: &World) -> String {
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}, "resources": {"subscribe": true}, "logging": {}}});
    let log = |level: &str| json!({"notify": "notifications/message", "params": {"level": level, "data": 1}});
    let steps = json!({
        "initialize": [{"result": hello}],
        "resources/list": [{"result": {"resources": [{"uri": "odd://one", "name": "one"}]}}],
        "resources/subscribe": [{"result": {}}],
        "logging/setLevel": [{"result": {}}],
        "tools/call hello": [{"result": {"content": []}}],
        "tools/call touch": [{"feed": "notifications/resources/updated", "params": {"uri": "odd://one", "n": 7}}, {"result": {}}],
        "tools/call log": [log("info"), log("error"), {"result": {}}],
    });
    world.script("odd", &steps.to_string())
}

fn world(http: bool) -> (World, Journal) {
    let mut world = World::new();
    let script = script(&world);
    let arguments = ["verbatim", "--script", &script];
    let journal = if http {
        world.http("odd", &arguments)
    } else {
        world.stdio("odd", &arguments)
    };
    (world, journal)
}

/// The program's own journal.
fn kept(running: &Running) -> PathBuf {
    running.file("state/sessions.journal")
}

/// What happens is written a moment after it did.
async fn is_kept(running: &Running, text: &str) {
    let file = kept(running);
    let is_there = || std::fs::read_to_string(&file).is_ok_and(|kept| kept.contains(text));
    assert!(until(Duration::from_secs(5), is_there).await, "it is not kept: {text}");
}

pub(crate) fn restarted(running: Running, kill: bool) -> Running {
    let world = if kill { running.killed() } else { running.stopped() };
    world.start_with_state()
}

/// Calls the tool `touch` until its update is heard: over HTTP the backend's own stream may not stand yet.
async fn touched(client: &Client, stream: &mut Exchange) {
    let hearing = async {
        loop {
            client.result("tools/call", &tool("touch", "{}")).await;
            while let Some(told) = stream.next_within(Duration::from_millis(300)).await {
                if told.contains(r#""n":7"#) {
                    return;
                }
            }
        }
    };
    let heard = tokio::time::timeout(Duration::from_secs(20), hearing).await;
    assert!(heard.is_ok(), "the update is not heard");
}

#[tokio::test]
async fn a_client_goes_on_after_the_program_was_stopped_or_killed() {
    for (http, kill, own) in [
        (false, false, false),
        (false, true, true),
        (true, true, false),
        (true, false, true),
    ] {
        let (world, journal) = world(http);
        let running = world.start_with_state();
        let client = if own {
            running.askable().await
        } else {
            running.plain().await
        };
        client.result("tools/call", &tool("hello", "{}")).await;
        client.result("resources/subscribe", r#"{"uri":"odd://one"}"#).await;
        client.result("logging/setLevel", r#"{"level":"error"}"#).await;
        is_kept(&running, r#""error"]"#).await;
        let mut running = running;
        let mut client = client;
        for _ in 0..2 {
            let before = journal.messages("resources/subscribe").len();
            running = restarted(running, kill);
            client = client.moved(running.port());
            let mut stream = client.listen().await;
            assert_eq!(stream.status, 200, "http: {http}, kill: {kill}, own: {own}");
            let changed = stream.next().await.unwrap();
            assert_eq!(
                part(&changed, "method").unwrap(),
                r#""notifications/tools/list_changed""#
            );
            assert_eq!(
                names(&client.result("tools/list", "{}").await, "tools"),
                ["hello", "log", "touch"]
            );
            client.result("tools/call", &tool("hello", "{}")).await;
            // Without the client's doing.
            let again = || journal.messages("resources/subscribe").len() > before;
            assert!(
                until(Duration::from_secs(10), again).await,
                "it is not subscribed to again"
            );
            touched(&client, &mut stream).await;
            let said = client.open("tools/call", &tool("log", "{}")).await.all().await;
            let logged: Vec<&String> = said
                .iter()
                .filter(|one| one.contains("notifications/message"))
                .collect();
            assert_eq!(logged.len(), 1, "{said:?}");
            assert!(logged[0].contains(r#""error""#), "{said:?}");
        }
        assert_eq!(client.end().await, 204);
        is_kept(&running, r#"{"ended":"#).await;
        let running = restarted(running, kill);
        let client = client.moved(running.port());
        assert_eq!(client.send(r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#).await, 404);
        assert_eq!(client.listen().await.status, 404);
        running.stop();
    }
}

#[tokio::test]
async fn a_journal_that_broke_off_costs_one_line() {
    let (world, _) = world(false);
    let running = world.start_with_state();
    let (client, ended) = (running.plain().await, running.plain().await);
    client.result("resources/subscribe", r#"{"uri":"odd://one"}"#).await;
    ended.end().await;
    is_kept(&running, r#"{"ended":"#).await;
    let file = kept(&running);
    let world = running.killed();
    let mut journal = std::fs::OpenOptions::new().append(true).open(file).unwrap();
    journal.write_all(br#"{"ended":"19a"#).unwrap();
    let running = world.start_with_state();
    running.says("the journal of sessions has damaged lines, as after a crash; they are left out lines=1");
    let client = client.moved(running.port());
    let mut stream = client.listen().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let mut told = String::new();
    while !told.contains("odd://one") {
        told = stream.next().await.unwrap();
    }
    assert_eq!(ended.moved(running.port()).end().await, 404);
    running.stop();
}

#[tokio::test]
async fn ids_that_were_not_given_are_unknown_and_none_is_logged() {
    let (world, _) = world(false);
    let running = world.start_with(|launch| launch.argument("--log-level").argument("trace"));
    let client = running.plain().await;
    let id = client.session().to_owned();
    for forged in [&id[1..], &id[..id.len() - 1], "x", &"A".repeat(id.len())] {
        let forged = Client::with_session(running.port(), forged);
        assert_eq!(forged.send(r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#).await, 404);
        assert_eq!(forged.end().await, 404);
    }
    client.result("tools/call", &tool("hello", "{}")).await;
    assert!(!running.said().contains(&id[8..40]), "an id lets its holder in");
    running.stop();
}

#[tokio::test]
async fn without_a_data_folder_the_id_is_unknown() {
    let (world, _) = world(false);
    let file = world.file("file");
    std::fs::write(&file, "in the way").unwrap();
    let file = file.to_str().unwrap().to_owned();
    let start = |world: World| world.start_with(|launch| launch.env("ARGUS_STATE_DIR", &file));
    let running = start(world);
    running.says("cannot be used");
    let client = running.plain().await;
    client.result("resources/subscribe", r#"{"uri":"odd://one"}"#).await;
    let running = start(running.stopped());
    let client = client.moved(running.port());
    assert_eq!(client.send(r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#).await, 404);
    running.plain().await.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn a_disk_that_takes_nothing_breaks_no_session() {
    let (world, _) = world(false);
    std::fs::create_dir_all(world.file("state/sessions.journal.new")).unwrap();
    let running = world.start_with_state();
    running.says("the journal of sessions cannot be written");
    let client = running.plain().await;
    client.result("resources/subscribe", r#"{"uri":"odd://one"}"#).await;
    client.result("tools/call", &tool("hello", "{}")).await;
    // It is free again: all that is known is written.
    std::fs::remove_dir(running.file("state/sessions.journal.new")).unwrap();
    running.says("the journal of sessions is written again");
    is_kept(&running, "odd://one").await;
    let running = restarted(running, true);
    let client = client.moved(running.port());
    client.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn two_programs_do_not_share_a_journal() {
    let (first, _) = world(false);
    let (second, _) = world(false);
    let state = first.file("state").to_str().unwrap().to_owned();
    let first = first.start_with_state();
    let client = first.plain().await;
    let second = second.start_with(|launch| launch.env("ARGUS_STATE_DIR", &state));
    second.says("another gateway uses this data folder");
    second.plain().await.result("tools/call", &tool("hello", "{}")).await;
    // The session lives, but there.
    let there = Client::with_session(second.port(), client.session());
    assert_eq!(there.send(r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#).await, 404);
    client.result("tools/call", &tool("hello", "{}")).await;
    second.stop();
    first.stop();
}
