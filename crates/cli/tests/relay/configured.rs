//! The configuration as operators see it: what is in effect, where it comes from, and what another one would do.

use std::time::Duration;

use argus_testkit::until;
use serde_json::{Value, json};

use crate::reload::{manage, reload};
use crate::world::{Running, World};

const SECRET: &str = "s3cret-s3cret-s3cret-s3cret";

fn value(running: &Running, key: &str) -> Value {
    let (status, body) = manage(running, "GET", &format!("config?key={key}"));
    assert_eq!(status, 200, "{body}");
    assert!(!body.to_string().contains("s3cret"), "{body}");
    assert_eq!(body["values"].as_array().unwrap().len(), 1, "{body}");
    body["values"][0].clone()
}

#[tokio::test]
async fn every_source_is_told_and_a_reload_is_seen() {
    let mut world = World::new();
    world.stdio("odd", &["sane"]);
    world.server("page_size", "${PAGE}");
    world.server("max_sessions", 5);
    world.backend("odd", "env", json!({"KEY": "${KEY}"}));
    let mut running = world.start_with(|launch| {
        let launch = launch.env("PAGE", "7").env("KEY", SECRET);
        launch.env("ARGUS_ALLOWED_ORIGINS", "https://a.example")
    });
    let port = value(&running, "server.port");
    assert_eq!((&port["value"], &port["source"]), (&json!(0), &json!("command_line")));
    let page = value(&running, "server.page_size");
    assert_eq!(
        (&page["value"], &page["source"], &page["written"]),
        (&json!(7), &json!("environment"), &json!("${PAGE}"))
    );
    let origins = value(&running, "server.allowed_origins");
    assert_eq!(
        (&origins["value"], &origins["variables"]),
        (&json!(["https://a.example"]), &json!(["ARGUS_ALLOWED_ORIGINS"]))
    );
    let secret = value(&running, "backends.odd.env.KEY");
    assert_eq!(
        (&secret["value"], &secret["variables"]),
        (&json!("***"), &json!(["KEY"]))
    );
    assert_eq!(value(&running, "server.max_sessions")["source"], "file");
    assert_eq!(value(&running, "server.drain_timeout")["source"], "default");

    running.world().server("max_sessions", 6);
    running.world().server("page_size", 8);
    running.rewrite();
    reload(&running);
    assert_eq!(value(&running, "server.page_size")["value"], 8);
    // What needs a restart is still as it was.
    assert_eq!(value(&running, "server.max_sessions")["value"], 5);
    let (_, body) = manage(&running, "GET", "config");
    assert_eq!(body["needs_restart"], json!(["server.max_sessions"]));
    assert!(body["file"].as_str().unwrap().ends_with("config.yaml"), "{body}");
    running.stop();
}

#[tokio::test]
async fn an_empty_variable_is_no_source() {
    let mut world = World::new();
    world.stdio("odd", &["sane"]);
    let running = world.start_with(|launch| launch.env("ARGUS_ALLOWED_ORIGINS", ""));
    let origins = value(&running, "server.allowed_origins");
    assert_eq!((&origins["value"], &origins["source"]), (&json!([]), &json!("default")));
    running.stop();
}

#[tokio::test]
async fn another_one_is_checked_in_the_place_of_the_file_and_nothing_changes() {
    let mut world = World::new();
    world.stdio("odd", &["sane"]);
    let running = world.start_with(|launch| launch.env("KEY", SECRET));
    let client = running.plain().await;
    let (status, text) = client
        .post_to(
            "/manage/v1/config/validate",
            "backends: {new: {type: stdio, command: '${KEY}', group: 'a b'}}\nserver: {port: '${KEY}'}",
        )
        .await;
    assert_eq!(status, 200, "{text}");
    assert!(!text.contains("s3cret"), "{text}");
    let answered: Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<_> = answered["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["key"])
        .collect();
    assert_eq!(keys, ["backends.new.group", "server.port"]);
    let (_, text) = client
        .post_to(
            "/manage/v1/config/validate",
            "backends: {new: {type: stdio, command: x, cwd: sub}}",
        )
        .await;
    let answered: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&answered["valid"], &answered["changes"]["backends_added"]),
        (&json!(true), &json!(["new"]))
    );
    // The port of the command line stands above the file's, so nothing is said of it.
    assert_eq!(answered["changes"]["needs_restart"], json!([]), "{answered}");

    // The file, as it is now.
    let (_, body) = manage(&running, "POST", "config/validate");
    assert_eq!(
        (&body["valid"], &body["changes"]["backends_removed"]),
        (&json!(true), &json!([]))
    );
    running.rewrite_as("server: {prot: 1}");
    let seen = until(Duration::from_secs(5), || {
        manage(&running, "POST", "config/validate").1["valid"] == false
    })
    .await;
    assert!(seen);
    assert_eq!(manage(&running, "GET", "backends").1["backends"][0]["name"], "odd");
    running.stop();
}
