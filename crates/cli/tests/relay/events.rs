//! What an operator is told of processes that end.

use std::time::Duration;

use argus_testkit::{Client, Journal, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::world::{World, tool};

const SCRIPT: &str = r#"{"initialize": [{"result": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "odd", "version": "1"}}}], "tools/list": [{"stderr": "my key is s3cret-key"}, {"result": {"tools": [{"name": "t", "inputSchema": {"type": "object"}}]}}], "tools/call t": [{"stderr": "still s3cret-key"}, {"result": {"content": []}}]}"#;

/// The newest event of a stage for which something holds, once it is there.
async fn told(client: &Client, stage: &str, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..200 {
        let page = client.page("/manage/v1/events?limit=1000").await;
        assert!(!page.contains("s3cret"), "{page}");
        let answered: Value = serde_json::from_str(&page).unwrap();
        let events = answered["events"].as_array().unwrap();
        let is_it = |event: &&Value| event["stage"] == stage && holds(event);
        if let Some(event) = events.iter().rfind(is_it) {
            return event.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{stage}: {}", client.page("/manage/v1/events?limit=1000").await);
}

fn kill_last(journal: &Journal, method: &str) {
    let process = journal.messages(method).last().unwrap().pid;
    kill(Pid::from_raw(process.cast_signed()), Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn processes_that_end_and_are_started_again() {
    let mut world = World::new();
    let script = world.script("odd", SCRIPT);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    world.backend("odd", "env", serde_json::json!({"KEY": "s3cret-key"}));
    let running = world.start();
    let client = running.plain().await;
    let first = told(&client, "backend_ready", |_| true).await;
    assert_eq!(
        (&first["details"]["tools"], &first["details"]["reconnects"]),
        (&1.into(), &0.into())
    );

    // The process that lists are read from.
    kill_last(&journal, "tools/list");
    let lost = told(&client, "backend_disconnected", |_| true).await;
    let cause = lost["details"]["cause"].as_str().unwrap();
    assert!(cause.contains("signal"), "{cause}");
    assert!(
        cause.ends_with("last line on stderr: my key is ***REDACTED***"),
        "{cause}"
    );
    let again = told(&client, "backend_ready", |event| event["details"]["reconnects"] == 1).await;
    assert!(again["details"]["away_ms"].is_u64(), "{again}");

    // The one that calls share.
    client.result("tools/call", &tool("t", "{}")).await;
    until(Duration::from_secs(10), || !journal.messages("tools/call").is_empty()).await;
    kill_last(&journal, "tools/call");
    let lost = told(&client, "backend_link", |event| event["details"]["connected"] == false).await;
    assert_eq!(
        (&lost["backend"], &lost["severity"]),
        (&"odd".into(), &"warning".into())
    );
    assert!(lost["message"].as_str().unwrap().contains("***REDACTED***"), "{lost}");
    told(&client, "backend_link", |event| event["details"]["connected"] == true).await;
    running.stop();
}
