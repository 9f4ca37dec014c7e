//! What backends listed last is used at the next start, until they answer.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use argus_testkit::{Entry, Journal, part};
use serde_json::json;

use crate::reload::manage;
use crate::world::{Running, World, message, names, tool};

/// A script of a server that lists one tool, and answers the handshake when the gate is open.
fn script(world: &World, tool: &str) -> String {
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "instructions": "Use it."});
    let steps = json!({
        "initialize": [{"gate": world.file("gate")}, {"result": hello}],
        "tools/list": [{"result": {"tools": [{"name": tool, "inputSchema": {"type": "object"}}]}}],
        "tools/call": [{"result": {"content": []}}],
    });
    world.script("odd", &steps.to_string())
}

/// A world whose backend was ready once, and listed `old`; its gate is closed now.
async fn after_a_run(http: bool) -> World {
    let mut world = World::new();
    std::fs::write(world.file("gate"), "").unwrap();
    let script = script(&world, "old");
    let arguments = ["verbatim", "--script", &script];
    if http {
        world.http("odd", &arguments);
        world.backend("odd", "headers", json!({"X-Key": "s3cret"}));
    } else {
        world.stdio("odd", &arguments);
        world.backend("odd", "env", json!({"KEY": "s3cret"}));
    }
    world.server("startup_wait", 20);
    let running = world.start_with_state();
    let client = running.plain().await;
    assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["old"]);
    let world = running.stopped();
    std::fs::remove_file(world.file("gate")).unwrap();
    world
}

fn kept(running: &Running, folder: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(running.file("state").join(folder)).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

#[tokio::test]
async fn a_backend_that_is_slow_to_start_is_listed_as_before() {
    let world = after_a_run(false).await;
    script(&world, "new");
    let journal = Journal::at(world.file("odd.journal"));
    std::fs::remove_file(journal.path()).unwrap();
    let running = world.start_with_state();
    let began = Instant::now();
    let client = running.plain().await;
    assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["old"]);
    let modern = running.modern();
    assert_eq!(names(&modern.result("tools/list", "{}").await, "tools"), ["old"]);
    let discovered = modern.result("server/discover", "{}").await;
    assert_eq!(part(&discovered, "instructions").unwrap(), r#""Use it.""#);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());

    // A call waits for the connection.
    let mut stream = client.listen().await;
    let called = tool("old", "{}");
    let opening = async {
        let of_the_call = |entry: &Entry| {
            entry
                .params()
                .is_some_and(|params| params.contains(r#""capabilities":{}"#))
        };
        journal.find(of_the_call).await.unwrap();
        std::fs::write(running.file("gate"), "").unwrap();
    };
    let (called, ()) = tokio::join!(client.result("tools/call", &called), opening);
    assert_eq!(called, r#"{"content":[]}"#);
    let told = stream.next().await.unwrap();
    assert_eq!(part(&told, "method").unwrap(), r#""notifications/tools/list_changed""#);
    assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["new"]);
    let world = running.stopped();

    // What it lists now is what the next start begins with.
    std::fs::remove_file(world.file("gate")).unwrap();
    let running = world.start_with_state();
    let client = running.plain().await;
    assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["new"]);
    std::fs::write(running.file("gate"), "").unwrap();
    running.stop();
}

#[tokio::test]
async fn a_backend_that_is_dead_is_listed_until_that_is_known_and_keeps_its_names() {
    let mut world = after_a_run(false).await;
    world.root("catalogue", serde_json::json!({"grace": 0}));
    world.script("odd", r#"{"initialize": [{"stderr": "no disk"}, {"exit": 4}]}"#);
    let running = world.start_with_state();
    running.says("backend is away");
    let client = running.plain().await;
    let began = Instant::now();
    while !names(&client.result("tools/list", "{}").await, "tools").is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "it is still listed");
    }
    let error = message(&client.error("tools/call", &tool("old", "{}")).await);
    assert!(error.contains("backend `odd`") && error.contains('4'), "{error}");
    running.stop();
}

#[tokio::test]
async fn no_secrets_are_kept_and_nothing_of_a_backend_that_is_no_longer_configured() {
    for http in [false, true] {
        let world = after_a_run(http).await;
        let running = world.start_with_state();
        assert_eq!(kept(&running, "eras").len(), 1);
        let files = kept(&running, "lists");
        assert_eq!(files.len(), 1, "{files:?}");
        let text = std::fs::read_to_string(&files[0]).unwrap();
        assert!(text.contains("\"old\"") && !text.contains("s3cret"), "{text}");
        std::fs::write(running.file("gate"), "").unwrap();

        let mut world = running.stopped();
        world.without("odd");
        let running = world.start_with_state();
        running.plain().await;
        assert!(kept(&running, "lists").is_empty() && kept(&running, "eras").is_empty());
        running.stop();
    }
}

#[tokio::test]
async fn what_another_gateway_keeps_in_the_same_folder_stays() {
    let first = after_a_run(false).await.start_with_state();
    let of_the_first: Vec<PathBuf> = ["eras", "lists"].map(|folder| kept(&first, folder)).concat();
    assert_eq!(of_the_first.len(), 2, "{of_the_first:?}");
    let state = first.file("state").to_str().unwrap().to_owned();
    let mut second = World::new();
    second.stdio("other", &["sane"]);
    let second = second.start_with(|launch| launch.env("ARGUS_STATE_DIR", &state));
    second.says("another gateway uses this data folder");
    let client = second.plain().await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let (status, told) = manage(&second, "POST", "backends/other/disable");
    assert_eq!(status, 200, "{told}");
    second.stop();
    for file in &of_the_first {
        assert!(file.exists(), "{} is gone", file.display());
    }
    assert!(!first.file("state/disabled.json").exists(), "it is the first one's");
    first.stop();
}

#[tokio::test]
async fn a_data_folder_that_takes_no_lists_is_harmless() {
    let mut world = World::new();
    std::fs::create_dir(world.file("state")).unwrap();
    std::fs::write(world.file("state/lists"), "in the way").unwrap();
    for name in ["one", "two"] {
        world.stdio(name, &["sane"]);
    }
    let running = world.start_with_state();
    let client = running.plain().await;
    client.result("tools/call", &tool("two_hello", "{}")).await;
    let said = running.says("what backends list cannot be kept");
    assert_eq!(said.matches("cannot be kept").count(), 1, "{said}");
    running.stop();
}
