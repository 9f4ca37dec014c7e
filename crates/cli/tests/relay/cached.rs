//! `cache.enabled` over all transports: what is kept of reads goes when it may have changed. And lists that are read again
//! when their time is over.

use std::time::Duration;

use argus_testkit::{Client, Exchange, Journal, part, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::world::{Running, World};

const TRANSPORTS: [&str; 3] = ["stdio", "http", "sse"];
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
const UPDATED: &str = "notifications/resources/updated";
const CHANGED: &str = "notifications/resources/list_changed";

/// A modern server whose resource is another one at each read, and holds for long. It says what it is told to say on
/// every stream when there is a file.
fn add(world: &mut World, transport: &str, said: &str) -> Journal {
    let params = json!({"uri": "odd://one", "_meta": {SUBSCRIPTION: "@id"}});
    let steps = json!({
        "server/discover": [{"result": {
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "public",
            "capabilities": {"resources": {"subscribe": true, "listChanged": true}},
        }}],
        "resources/list": [{"result": {
            "resultType": "complete", "ttlMs": 0, "cacheScope": "public",
            "resources": [{"uri": "odd://one", "name": "one"}],
        }}],
        "resources/read": [{"result": {
            "resultType": "complete", "ttlMs": 3_600_000, "cacheScope": "public", "contents": [],
            "read": ["@pid", "@count"],
        }}],
        "subscriptions/listen": [
            {"notify": "notifications/subscriptions/acknowledged",
             "params": {"_meta": {SUBSCRIPTION: "@id"}, "notifications": "@notifications"}},
            {"gate": world.file("gate")},
            {"notify": said, "params": params},
        ],
    });
    let script = world.script("odd", &steps.to_string());
    let arguments = ["verbatim", "--script", &script, "--era", "modern"];
    world.root("cache", json!({"enabled": true}));
    match transport {
        "stdio" => world.stdio("odd", &arguments),
        "sse" => world.sse("odd", &arguments),
        _ => world.http("odd", &arguments),
    }
}

async fn read(client: &Client) -> String {
    let result = client.result("resources/read", r#"{"uri":"odd://one"}"#).await;
    part(&result, "read").unwrap()
}

/// What both generations of clients read, which is the same.
async fn read_twice(running: &Running) -> String {
    let first = read(&running.modern()).await;
    assert_eq!(read(&running.plain().await).await, first);
    assert_eq!(read(&running.modern()).await, first);
    first
}

/// Reads until it is the same again: what is said on another stream, or of another connection, comes a little later.
async fn is_kept_again(running: &Running) {
    let client = running.modern();
    let reading = async { while read(&client).await != read(&client).await {} };
    let kept = tokio::time::timeout(Duration::from_secs(10), reading).await;
    assert!(kept.is_ok(), "nothing is kept any more");
}

async fn listen(running: &Running, wanted: Value) -> Exchange {
    let filter = json!({ "notifications": wanted }).to_string();
    let mut stream = running.modern().open("subscriptions/listen", &filter).await;
    assert!(stream.next().await.unwrap().contains("acknowledged"));
    stream
}

async fn hears(stream: &mut Exchange, method: &str) {
    let told = stream.next().await.unwrap();
    assert_eq!(part(&told, "method").unwrap(), format!("\"{method}\""));
}

#[tokio::test]
async fn an_update_takes_out_what_is_kept() {
    for transport in TRANSPORTS {
        let mut world = World::new();
        add(&mut world, transport, UPDATED);
        let running = world.start();
        let mut stream = listen(&running, json!({"resourceSubscriptions": ["odd://one"]})).await;
        let before = read_twice(&running).await;
        std::fs::write(running.file("gate"), "").unwrap();
        hears(&mut stream, UPDATED).await;
        assert_ne!(read(&running.modern()).await, before, "{transport}");
        is_kept_again(&running).await;
        drop(stream);
        running.stop();
    }
}

#[tokio::test]
async fn other_resources_take_out_what_is_kept() {
    for transport in TRANSPORTS {
        let mut world = World::new();
        add(&mut world, transport, CHANGED);
        let running = world.start();
        let mut stream = listen(&running, json!({"resourcesListChanged": true})).await;
        let before = read_twice(&running).await;
        std::fs::write(running.file("gate"), "").unwrap();
        hears(&mut stream, CHANGED).await;
        assert_ne!(read(&running.modern()).await, before, "{transport}");
        is_kept_again(&running).await;
        drop(stream);
        running.stop();
    }
}

/// Waits until something else is read than before.
async fn read_anew(running: &Running, before: &str) {
    let reading = async {
        loop {
            // While the backend is away there is an error.
            let answer = running.modern().call("resources/read", r#"{"uri":"odd://one"}"#).await;
            let next = part(&answer, "result").and_then(|result| part(&result, "read"));
            if next.is_some_and(|next| next != before) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(10), reading).await;
    assert!(read.is_ok(), "what was kept of the lost connection is still given");
}

#[tokio::test]
async fn a_process_that_is_started_anew_is_read_anew() {
    let mut world = World::new();
    let journal = add(&mut world, "stdio", UPDATED);
    let running = world.start();
    let before = read_twice(&running).await;
    let reads = journal.messages("resources/read");
    assert_eq!(reads.len(), 1);
    let process = Pid::from_raw(i32::try_from(reads[0].pid).unwrap());
    kill(process, Signal::SIGKILL).unwrap();
    let again = until(Duration::from_secs(10), || {
        journal.messages("server/discover").len() > 1
    })
    .await;
    assert!(again, "it is not started anew");
    read_anew(&running, &before).await;
    is_kept_again(&running).await;
    running.stop();
}

/// Its catalogue comes from another process, and it announces nothing, so that nobody listens on the one that is read.
#[tokio::test]
async fn what_a_process_gave_is_dropped_when_it_dies() {
    let mut world = World::new();
    let capabilities = json!({"resources": {}});
    let steps = json!({
        "initialize": [{"result": {
            "protocolVersion": "2025-11-25", "capabilities": capabilities,
            "serverInfo": {"name": "odd", "version": "1"},
        }}],
        "server/discover": [{"result": {
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "public",
            "capabilities": capabilities,
        }}],
        "resources/list": [{"result": {"resources": [{"uri": "odd://one", "name": "one"}]}}],
        "resources/read": [{"result": {
            "resultType": "complete", "ttlMs": 3_600_000, "cacheScope": "public", "contents": [],
            "read": ["@pid", "@count"],
        }}],
    });
    let script = world.script("odd", &steps.to_string());
    world.root("cache", json!({"enabled": true}));
    let journal = world.stdio("odd", &["verbatim", "--script", &script, "--era", "both"]);
    let running = world.start();
    let client = running.modern();
    let before = read(&client).await;
    assert_eq!(read(&client).await, before);
    let reads = journal.messages("resources/read");
    assert_eq!(reads.len(), 1);
    let (read_at, listed_at) = (reads[0].pid, journal.messages("initialize")[0].pid);
    assert_ne!(read_at, listed_at);
    kill(Pid::from_raw(i32::try_from(read_at).unwrap()), Signal::SIGKILL).unwrap();
    read_anew(&running, &before).await;
    running.stop();
}

#[tokio::test]
async fn a_backend_that_was_out_of_reach_is_read_anew() {
    for transport in ["http", "sse"] {
        let mut world = World::new();
        let journal = add(&mut world, transport, UPDATED);
        let relay = world.through_relay("odd").await;
        let running = world.start();
        journal.message("subscriptions/listen").await.unwrap();
        let before = read_twice(&running).await;
        relay.cut().await;
        read_anew(&running, &before).await;
        running.stop();
    }
}

/// Nobody says that this list changes, so it is looked at when the time is over that its backend gave.
#[tokio::test]
async fn a_list_that_got_out_of_date_is_read_again() {
    let mut world = World::new();
    let list = |name: &str| {
        json!([{"turn": true}, {"result": {
            "resultType": "complete", "ttlMs": 1000, "cacheScope": "public",
            "tools": [{"name": name, "inputSchema": {"type": "object"}}],
        }}])
    };
    let steps = json!({
        "server/discover": [{"result": {
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "public",
            "capabilities": {"tools": {}},
        }}],
        "tools/list": list("old"),
        "tools/list#1": list("new"),
    });
    let script = world.script("odd", &steps.to_string());
    let journal = world.stdio("odd", &["verbatim", "--script", &script, "--era", "modern"]);
    let running = world.start();
    let client = running.modern();
    let mut stream = listen(&running, json!({"toolsListChanged": true})).await;
    let listed = client.result("tools/list", "{}").await;
    assert!(listed.contains("\"old\""), "{listed}");
    let left: u64 = part(&listed, "ttlMs").unwrap().parse().unwrap();
    assert!(left <= 1000, "{listed}");
    assert_eq!(journal.messages("tools/list").len(), 1);
    let told = stream.next_within(Duration::from_secs(40)).await.unwrap();
    assert!(told.contains("notifications/tools/list_changed"), "{told}");
    assert!(client.result("tools/list", "{}").await.contains("\"new\""));
    assert_eq!(journal.messages("tools/list").len(), 2);
    drop(stream);
    running.stop();
}
