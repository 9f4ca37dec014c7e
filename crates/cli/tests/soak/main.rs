//! Very many sessions and calls: what the gateway holds does not grow.
//!
//! `ARGUS_SOAK_SESSIONS` and `ARGUS_SOAK_CALLS` set how many; the defaults are a short run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at any place"
)]

mod manners;

use std::time::Duration;

use argus_testkit::{Gateway, Launch, OddServer, Steady, odd_program, until};
use futures::future::join_all;
use serde_json::json;

const ARGUS: &str = env!("CARGO_BIN_EXE_argus-mcp");
/// Clients at once.
const CLIENTS: usize = 16;
/// What may be held more after a long run than after a short one, in KiB: the allocator's own play.
const PLAY_KIB: u64 = 4 * 1024;

fn setting(name: &str, preset: usize) -> usize {
    std::env::var(name).map_or(preset, |text| text.parse().unwrap())
}

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    resident_kib: u64,
    descriptors: usize,
}

fn held(gateway: &Gateway) -> Held {
    let pid = gateway.pid();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    Held {
        resident_kib: resident.trim().trim_end_matches(" kB").parse().unwrap(),
        descriptors: std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count(),
    }
}

/// Opens `count` sessions, each with a call, and closes them.
async fn sessions(port: u16, count: usize) {
    let clients = (0..CLIENTS).map(|_| async move {
        let mut client = Steady::connect(port).await;
        for _ in 0..count / CLIENTS {
            client.open_session().await;
            assert!(client.call_tool("hello", "{}").await.contains("hello"));
            client.close_session().await;
        }
    });
    join_all(clients).await;
}

/// Makes `count` calls, half of them in sessions, over stdio and HTTP.
async fn calls(port: u16, count: usize) {
    let clients = (0..CLIENTS).map(|number| async move {
        let mut client = Steady::connect(port).await;
        if number % 2 == 0 {
            client.open_session().await;
        }
        for turn in 0..count / CLIENTS {
            let tool = if turn % 2 == 0 { "hello" } else { "far_hello" };
            assert!(client.call_tool(tool, "{}").await.contains("\"result\""));
        }
        if number % 2 == 0 {
            client.close_session().await;
        }
    });
    join_all(clients).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_descriptors_stay_flat() {
    let (session_count, call_count) = (
        setting("ARGUS_SOAK_SESSIONS", 10_000),
        setting("ARGUS_SOAK_CALLS", 30_000),
    );
    let far = OddServer::start(odd_program(ARGUS), "--http", &["sane"]);
    let config = json!({"backends": {
        "near": {"type": "stdio", "command": odd_program(ARGUS), "args": ["sane"]},
        "far": {"type": "streamable-http", "url": far.url()},
    }});
    let gateway = Launch::new(ARGUS)
        .argument("--log-level")
        .argument("warn")
        .start(&config);
    let port = gateway.port();
    sessions(port, 2_000).await;
    calls(port, 5_000).await;
    let before = held(&gateway);
    sessions(port, session_count).await;
    calls(port, call_count).await;
    // Connections to backends and of clients that left take a moment to go.
    until(Duration::from_secs(5), || {
        held(&gateway).descriptors <= before.descriptors
    })
    .await;
    let after = held(&gateway);
    assert!(
        after.resident_kib <= before.resident_kib + PLAY_KIB,
        "{session_count} sessions and {call_count} calls: {before:?}, then {after:?}"
    );
    assert!(
        after.descriptors <= before.descriptors + 8,
        "{before:?}, then {after:?}"
    );
    gateway.stop();
}
