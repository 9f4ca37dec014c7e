//! Connections and sessions that are lost between the two.

use std::time::Duration;

use argus_testkit::{TcpRelay, part, until};

use super::{LATEST, assert_ends_well, client_of, odd, url_of};
use crate::world::{World, message, tool};

#[tokio::test]
async fn a_lost_session_is_opened_again_with_all_that_was_said_in_it() {
    for face in ["--http", "--sse"] {
        let world = World::new();
        let (server, journal) = odd(&world, face, &["session-404"]);
        let mut client = client_of(server.url());
        client.initialize(LATEST, r#"{"elicitation":{}}"#).await;
        client.ask("1", "logging/setLevel", r#"{"level":"error"}"#).await;
        client.answer("1").await;
        client.ask("2", "tools/call", &tool("forget", "{}")).await;
        client.answer("2").await;
        client.result("3", "tools/call", &tool("hello", r#"{"n":1}"#)).await;
        let twice = || journal.messages("initialize").len() == 2 && journal.messages("logging/setLevel").len() == 2;
        assert!(
            until(Duration::from_secs(5), twice).await,
            "{face}: {:?}",
            journal.entries()
        );
        let opened = journal.messages("initialize");
        assert_eq!(opened[0].text, opened[1].text, "{face}");
        assert_eq!(journal.messages("notifications/initialized").len(), 2, "{face}");
        if face == "--http" {
            let called = journal.messages("tools/call");
            let again = called
                .iter()
                .filter(|call| call.headers["mcp-session-id"] == "session-2");
            assert_eq!(again.count(), 1, "{called:?}");
        }
        client.close();
        while let Some(message) = client.next().await {
            // The client hears nothing of all this.
            assert!(part(&message, "method").is_some(), "{message}");
        }
        assert_ends_well(client).await;
    }
}

#[tokio::test]
async fn a_connection_that_breaks_in_mid_call_loses_no_answer() {
    let mut world = World::new();
    let gate = world.file("gate");
    let script = format!(
        r#"{{"tools/call wait": [
            {{"notify": "notifications/message", "params": {{"level":"info","data":1}}}}, {{"gate": {gate:?}}},
            {{"notify": "notifications/message", "params": {{"level":"info","data":2}}}}, {{"result": {{"done":1.0}}}}]}}"#
    );
    let script = world.script("odd", &script);
    world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let (relay, through) = TcpRelay::to_url(&url_of(&running, "/mcp")).await;
    let mut client = client_of(&through);
    client.initialize(LATEST, "{}").await;
    client.ask("1", "tools/call", &tool("wait", "{}")).await;
    assert!(client.next().await.unwrap().contains(r#""data":1"#));
    relay.cut().await;
    std::fs::write(&gate, "").unwrap();
    assert!(client.next().await.unwrap().contains(r#""data":2"#));
    let answer = client.next().await.unwrap();
    assert_eq!(part(&answer, "result").unwrap(), r#"{"done":1.0}"#);
    client.result("2", "ping", "{}").await;
    // A modern stream cannot be gone on with: the client learns it.
    std::fs::remove_file(&gate).unwrap();
    let params = r#"{"name":"wait","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/logLevel":"info"}}"#;
    client.ask("3", "tools/call", params).await;
    assert!(client.next().await.unwrap().contains(r#""data":1"#));
    relay.cut().await;
    let error = part(&client.answer("3").await, "error").unwrap();
    assert!(message(&error).contains("nobody knows"), "{error}");
    assert_ends_well(client).await;
    running.stop();
}

#[tokio::test]
async fn a_stream_of_http_sse_that_breaks_is_opened_again() {
    let mut world = World::new();
    let script = world.script(
        "odd",
        r#"{"tools/call wait": [{"gate": "/nowhere/at/all"}], "tools/call hello": [{"result": {}}]}"#,
    );
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let (relay, through) = TcpRelay::to_url(&url_of(&running, "/sse")).await;
    let mut client = client_of(&through);
    client.initialize(LATEST, "{}").await;
    client.ask("1", "tools/call", &tool("wait", "{}")).await;
    journal.message("tools/call").await.expect("no call");
    relay.cut().await;
    let error = part(&client.answer("1").await, "error").unwrap();
    assert!(message(&error).contains("nobody knows"), "{error}");
    client.result("2", "tools/call", &tool("hello", "{}")).await;
    assert_ends_well(client).await;
    running.stop();
}

#[tokio::test]
async fn a_stream_of_http_sse_that_always_ends_is_not_opened_all_the_time() {
    let world = World::new();
    let script = r#"{"notifications/initialized": [{"close": true}]}"#;
    let script = world.script("remote", script);
    let (server, journal) = odd(&world, "--sse", &["verbatim", "--script", &script]);
    let mut client = client_of(server.url());
    client.initialize(LATEST, "{}").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let opened = journal.messages("initialize").len();
    assert!((2..=4).contains(&opened), "{opened} times in 3 s");
    assert_ends_well(client).await;
}
