//! `subscriptions/listen` of modern clients at backends of both eras, on every transport.

use std::time::Duration;

use argus_testkit::{Client, Entry, Exchange, Journal, part, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::world::{Running, World, names, tool};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
const UPDATED: &str = "notifications/resources/updated";

/// A server with resources. A call of `touch` changes `odd://one` for legacy clients, a file does for modern ones.
fn script(world: &World, era: &str) -> Value {
    let capabilities = json!({"tools": {}, "resources": {"subscribe": true}});
    let updated = json!({"uri": "odd://one", "n": 1, "_meta": {SUBSCRIPTION: "@id"}});
    let mut script = json!({
        "initialize": [{"result": {
            "protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": {"name": "odd", "version": "1"},
        }}],
        "server/discover": [{"result": {
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": capabilities,
            "ttlMs": 0, "cacheScope": "public",
        }}],
        "resources/list": [{"result": {
            "resultType": "complete", "ttlMs": 0, "cacheScope": "public",
            "resources": [{"uri": "odd://one", "name": "one"}, {"uri": "odd://two", "name": "two"}],
        }}],
        "resources/subscribe": [{"result": {}}],
        "resources/unsubscribe": [{"result": {}}],
        "tools/call touch": [
            {"feed": UPDATED, "params": {"uri": "odd://one", "n": 1}},
            {"result": {"resultType": "complete", "content": []}},
        ],
        "subscriptions/listen": [
            {"notify": "notifications/subscriptions/acknowledged",
             "params": {"_meta": {SUBSCRIPTION: "@id"}, "notifications": "@notifications"}},
            {"gate": world.file("touched")},
            {"notify": UPDATED, "params": updated},
        ],
    });
    // What a script has steps for is never refused.
    let foreign = match era {
        "legacy" => Some("server/discover"),
        "modern" => Some("initialize"),
        _ => None,
    };
    if let (Some(foreign), Some(script)) = (foreign, script.as_object_mut()) {
        script.remove(foreign);
    }
    script
}

/// A client that cannot be asked anything.
fn unasked(running: &Running) -> Client {
    Client::modern(running.port(), "{}")
}

async fn touch(running: &Running, era: &str) {
    match era {
        "modern" => std::fs::write(running.file("touched"), "").unwrap(),
        // On the connection that is shared.
        _ => drop(unasked(running).result("tools/call", &tool("touch", "{}")).await),
    }
}

/// Listens to resources, all of which have to be granted.
async fn listen(client: &Client, uris: &Value) -> Exchange {
    let filter = json!({"notifications": {"resourceSubscriptions": uris}});
    let mut stream = client.open("subscriptions/listen", &filter.to_string()).await;
    let acknowledged: Value = serde_json::from_str(&stream.next().await.unwrap()).unwrap();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(acknowledged["params"]["notifications"], filter["notifications"]);
    stream
}

/// The parameters of the next message, which is an update, without `_meta`.
async fn heard(stream: &mut Exchange) -> Value {
    let message = stream.next().await.unwrap();
    let mut message: Value = serde_json::from_str(&message).unwrap();
    assert_eq!(message["method"], UPDATED, "{message}");
    let meta = message["params"].as_object_mut().unwrap().remove("_meta");
    assert!(meta.unwrap()[SUBSCRIPTION].is_number());
    message["params"].take()
}

/// What the backend was asked to tell the updates of, each time.
fn asked(journal: &Journal) -> Vec<(Entry, Vec<String>)> {
    let uris = |entry: Entry| {
        let params: Value = serde_json::from_str(&entry.params()?).ok()?;
        let uris = match entry.method()?.as_str() {
            "resources/subscribe" => vec![params["uri"].as_str()?.to_owned()],
            "subscriptions/listen" => {
                serde_json::from_value(params["notifications"]["resourceSubscriptions"].clone()).ok()?
            }
            _ => return None,
        };
        Some((entry, uris))
    };
    journal.entries().into_iter().filter_map(uris).collect()
}

fn add(world: &mut World, transport: &str, era: &str) -> Journal {
    let script = world.script("odd", &script(world, era).to_string());
    let arguments = ["verbatim", "--script", &script, "--era", era];
    match transport {
        "stdio" => world.stdio("odd", &arguments),
        "sse" => world.sse("odd", &arguments),
        _ => world.http("odd", &arguments),
    }
}

#[tokio::test]
async fn many_listeners_hear_what_the_backend_is_asked_for_once() {
    for era in ["legacy", "modern", "both"] {
        for transport in ["stdio", "http", "sse"] {
            let mut world = World::new();
            let journal = add(&mut world, transport, era);
            let mut running = world.start();
            let client = running.modern();
            let mut streams = Vec::new();
            for _ in 0..10 {
                streams.push(listen(&client, &json!(["odd://one"])).await);
            }
            let other = listen(&client, &json!(["odd://two"])).await;
            let is_modern = era != "legacy";
            let all: Vec<_> = asked(&journal).into_iter().map(|(_, uris)| uris).collect();
            match is_modern {
                true => assert_eq!(
                    all,
                    [vec!["odd://one"], vec!["odd://one", "odd://two"]],
                    "{era} {transport}"
                ),
                false => assert_eq!(all, [["odd://one"], ["odd://two"]], "{era} {transport}"),
            }
            if is_modern {
                // The stream that was replaced is heard a little longer, and would say the same.
                let replaced = |entry: &Entry| match transport {
                    "http" => entry.what == "closed",
                    _ => entry.method().as_deref() == Some("notifications/cancelled"),
                };
                assert!(until(Duration::from_secs(5), || journal.entries().iter().any(replaced)).await);
            }
            touch(&running, if is_modern { "modern" } else { era }).await;
            for stream in &mut streams {
                assert_eq!(
                    heard(stream).await,
                    json!({"uri": "odd://one", "n": 1}),
                    "{era} {transport}"
                );
            }
            running.signal(Signal::SIGTERM);
            for mut stream in streams.into_iter().chain([other]) {
                let last = stream.next().await.expect("the stream breaks off");
                assert!(last.contains(r#""resultType":"complete""#), "{era} {transport}: {last}");
                assert_eq!(stream.next().await, None);
            }
            let status = running.gateway().wait(Duration::from_secs(10));
            assert_eq!(status.code(), Some(0), "{era} {transport}");
        }
    }
}

#[tokio::test]
async fn resources_of_a_process_that_ended_may_have_changed_once() {
    for era in ["legacy", "modern"] {
        let mut world = World::new();
        let journal = add(&mut world, "stdio", era);
        let running = world.start();
        let client = running.modern();
        let mut one = listen(&client, &json!(["odd://one"])).await;
        let mut both = listen(&client, &json!(["odd://one", "odd://two"])).await;
        let before = asked(&journal);
        let pid = before.last().unwrap().0.pid;
        kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
        assert_eq!(heard(&mut one).await, json!({"uri": "odd://one"}), "{era}");
        let mut uris = [
            heard(&mut both).await["uri"].take(),
            heard(&mut both).await["uri"].take(),
        ];
        uris.sort_by_key(Value::to_string);
        assert_eq!(uris, ["odd://one", "odd://two"], "{era}");
        let after = asked(&journal);
        let new: Vec<_> = after[before.len()..].iter().map(|(entry, _)| entry.pid).collect();
        assert!(!new.is_empty() && !new.contains(&pid), "{era}: {new:?}");
        touch(&running, era).await;
        for stream in [&mut one, &mut both] {
            assert_eq!(heard(stream).await["n"], 1, "{era}: more than one report, or none");
        }
        running.stop();
    }
}

#[tokio::test]
async fn a_process_that_has_to_be_started_is_waited_for() {
    let mut world = World::new();
    let mut script = script(&world, "legacy");
    let hello = script["initialize"][0].take();
    // Longer than a backend may take to answer.
    script["initialize"] = json!([{"sleep": 6500}, hello]);
    let script = world.script("odd", &script.to_string());
    world.stdio("odd", &["verbatim", "--script", &script]);
    world.server("startup_wait", 20);
    let running = world.start();
    listen(&running.modern(), &json!(["odd://one"])).await;
    running.stop();
}

/// A server that takes its time to say that it is modern too.
#[tokio::test]
async fn a_backend_that_turns_out_to_be_modern_is_listened_to() {
    let mut world = World::new();
    let mut script = script(&world, "both");
    let discovered = script["server/discover"][0].take();
    script["server/discover"] = json!([{"sleep": 8000}, discovered]);
    let script = world.script("odd", &script.to_string());
    let journal = world.stdio("odd", &["verbatim", "--script", &script, "--era", "both"]);
    let running = world.start();
    let mut stream = listen(&running.modern(), &json!(["odd://one"])).await;
    let first = asked(&journal);
    assert_eq!(first[0].0.method().as_deref(), Some("resources/subscribe"));
    // Whatever happened between the two.
    assert_eq!(heard(&mut stream).await, json!({"uri": "odd://one"}));
    let methods: Vec<_> = asked(&journal).iter().filter_map(|(entry, _)| entry.method()).collect();
    assert_eq!(methods, ["resources/subscribe", "subscriptions/listen"]);
    let ended = until(Duration::from_secs(5), || {
        journal.messages("resources/unsubscribe").len() == 1
    })
    .await;
    assert!(ended, "both links are subscribed on");
    touch(&running, "modern").await;
    assert_eq!(heard(&mut stream).await["n"], 1);
    running.stop();
}

#[tokio::test]
async fn a_client_that_reads_late_is_told_the_last_of_many_updates() {
    const MANY: usize = 1500;
    let mut world = World::new();
    let mut script = script(&world, "legacy");
    // More than the buffers between the gateway and the client hold.
    let padding = "x".repeat(16 * 1024);
    let mut steps: Vec<Value> = (0..MANY)
        .map(|n| json!({"feed": UPDATED, "params": {"uri": "odd://one", "n": n, "padding": padding}}))
        .collect();
    steps.push(json!({"result": {"content": []}}));
    script["tools/call flood"] = steps.into();
    let script = world.script("odd", &script.to_string());
    world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let client = unasked(&running);
    let mut slow = listen(&client, &json!(["odd://one"])).await;
    let mut other = listen(&client, &json!(["odd://one", "odd://two"])).await;
    client.result("tools/call", &tool("flood", "{}")).await;
    for stream in [&mut slow, &mut other] {
        let (mut count, mut last) = (0, 0);
        while last < MANY - 1 {
            let message = stream.next().await.unwrap();
            let params = part(&message, "params").unwrap();
            let next: usize = part(&params, "n").unwrap().parse().unwrap();
            assert!(count == 0 || next > last, "out of order");
            (count, last) = (count + 1, next);
        }
        assert!(count < MANY, "nothing was left out");
    }
    running.stop();
}

#[tokio::test]
async fn a_list_that_changed_on_the_shared_connection_is_shown_when_it_is_announced() {
    let mut world = World::new();
    world.stdio("odd", &["changes-tools"]);
    let running = world.start();
    let client = unasked(&running);
    let filter = r#"{"notifications":{"toolsListChanged":true}}"#;
    let mut stream = client.open("subscriptions/listen", filter).await;
    assert!(stream.next().await.unwrap().contains("acknowledged"));
    client.result("tools/call", &tool("change", "{}")).await;
    let told = stream.next().await.unwrap();
    assert!(told.contains("notifications/tools/list_changed"), "{told}");
    let listed = client.result("tools/list", "{}").await;
    assert_eq!(names(&listed, "tools"), ["change", "fresh"]);
    running.stop();
}
