//! Clients of HTTP+SSE: what is theirs lives as long as their stream.

use std::time::Duration;

use argus_testkit::{is_gone, part, until};

use crate::world::{World, tool};

#[tokio::test]
async fn the_process_of_a_connection_ends_with_it() {
    let mut world = World::new();
    let journal = world.stdio("odd", &["sane"]);
    let running = world.start();
    let (mut staying, mut leaving) = (running.sse().await, running.sse().await);
    let mut own = Vec::new();
    for client in [&mut staying, &mut leaving] {
        client.ask("1", "tools/call", &tool("hello", "{}")).await;
        let answer = client.next().await.unwrap();
        assert!(part(&answer, "result").is_some(), "{answer}");
        own.push(journal.messages("tools/call").pop().unwrap().pid);
    }
    assert_ne!(own[0], own[1]);
    drop(leaving);
    assert!(
        until(Duration::from_secs(5), || is_gone(own[1])).await,
        "the process stays"
    );
    assert!(!is_gone(own[0]), "the process of another connection is gone");
    staying.ask("2", "tools/call", &tool("hello", "{}")).await;
    assert!(part(&staying.next().await.unwrap(), "result").is_some());
    running.stop();
}

#[tokio::test]
async fn a_call_ends_at_its_backend_when_the_client_goes() {
    for http in [false, true] {
        let mut world = World::new();
        let script = world.script("odd", r#"{"tools/call wait": [{"gate": "/nowhere/at/all"}]}"#);
        let arguments = ["verbatim", "--script", &script, "--era", "legacy"];
        let journal = if http {
            world.http("odd", &arguments)
        } else {
            world.stdio("odd", &arguments)
        };
        let running = world.start();
        let client = running.sse().await;
        client.ask("1", "tools/call", &tool("wait", "{}")).await;
        let call = journal.message("tools/call").await.expect("no call");
        drop(client);
        // The connection that was the session's own ends with it: a process is gone, a stream over HTTP is closed.
        if http {
            let closed = journal.find(|entry| entry.what == "closed").await;
            assert_eq!(
                closed.expect("the stream stays open").method().as_deref(),
                Some("tools/call")
            );
        } else {
            let ended = until(Duration::from_secs(5), || is_gone(call.pid)).await;
            assert!(ended, "the process stays");
        }
        running.stop();
    }
}
