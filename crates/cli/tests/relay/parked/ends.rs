//! How calls end whose client was asked.

use std::time::Duration;

use argus_testkit::{Client, Journal, SseClient, is_gone, part, until};
use futures::future::join_all;

use super::states::refusal;
use super::{ALL, Asked, Over, asked, asked_and_answered, client, of_modern, scripted, start, world};
use crate::world::{Running, World, tool};

/// Waits until the backend heard that a call was cancelled.
pub(super) async fn cancelled(journal: &Journal) {
    let heard = journal.message("notifications/cancelled").await;
    assert!(
        heard.is_some(),
        "the backend does not hear of it: {:?}",
        journal.entries()
    );
}

#[tokio::test]
async fn a_question_that_is_never_answered_ends_the_call_and_its_link() {
    for running in join_all(ALL.map(never_answered)).await {
        running.stop();
    }
}

async fn never_answered(over: Over) -> Running {
    let (mut world, journal) = world(over);
    // Long enough for those that are answered.
    world.server("parked_call_timeout", 4);
    let running = world.start();
    let client = client(&running);
    let asked = asked(&client, "ask", "{}").await;
    let pid = journal.messages("tools/call")[0].pid;
    cancelled(&journal).await;
    if over == Over::Stdio {
        let gone = until(Duration::from_secs(5), || is_gone(pid)).await;
        assert!(gone, "its process remains");
    } else if over == Over::Http {
        let deleted = until(Duration::from_secs(5), || journal.all("delete").len() == 1).await;
        assert!(deleted, "its session remains");
    }
    let why = refusal(&client, "tools/call", &asked.answered("ask", "{}", "{}")).await;
    assert!(why.contains("expired") || why.contains("has ended"), "{why}");
    asked_and_answered(&client, 3).await;
    running
}

#[tokio::test]
async fn a_client_that_leaves_while_its_retry_runs_cancels_the_call() {
    for over in ALL {
        let mut world = World::new();
        let gate = world.file("gate");
        let script = format!(
            r#"{{"tools/call ask": [{{"ask": "elicitation/create", "params": {{"message":"?"}}}}, {{"gate": {gate:?}}}, {{"result": {{}}}}]}}"#
        );
        let journal = scripted(&mut world, over, &script);
        let running = world.start();
        let client = client(&running);
        let asked = asked(&client, "ask", "{}").await;
        let pid = journal.messages("tools/call")[0].pid;
        let answered = asked.answered("ask", "{}", r#"{"yes":1}"#);
        tokio::select! {
            ended = async { client.open("tools/call", &answered).await.all().await } => panic!("it ends: {ended:?}"),
            arrived = journal.find(|entry| entry.text.contains("\"yes\"")) => {
                assert!(arrived.is_some(), "{over:?}: the answer does not arrive");
            }
        }
        cancelled(&journal).await;
        assert!(refusal(&client, "tools/call", &answered).await.contains("used already"));
        if over == Over::Stdio {
            assert!(
                until(Duration::from_secs(5), || is_gone(pid)).await,
                "its process remains"
            );
        }
        running.stop();
    }
}

/// Nothing is left of the link of the only call.
pub(super) async fn link_is_gone(over: Over, journal: &Journal, deleted: usize) {
    let pid = journal.messages("tools/call")[0].pid;
    let gone = || match over {
        Over::Stdio => is_gone(pid),
        Over::Http => journal.all("delete").len() >= deleted,
        Over::Sse => journal.all("closed").len() >= deleted,
    };
    assert!(
        until(Duration::from_secs(5), gone).await,
        "it remains over {over:?}: {:?}",
        journal.entries()
    );
}

#[tokio::test]
async fn the_end_of_the_gateway_cancels_parked_calls() {
    for over in ALL {
        for _ in 0..3 {
            let (running, journal) = start(over);
            let client = client(&running);
            join_all((0..3).map(|_| asked(&client, "ask", "{}"))).await;
            let _journals = running.stopped();
            // All of it has happened by now.
            let heard = journal.messages("notifications/cancelled").len();
            assert_eq!(
                heard,
                3,
                "{over:?}: the backend does not hear of it: {:?}",
                journal.entries()
            );
            for call in journal.messages("tools/call") {
                assert!(over != Over::Stdio || is_gone(call.pid), "its process remains");
            }
            link_is_gone(over, &journal, 3).await;
        }
    }
}

#[tokio::test]
async fn the_end_of_a_connection_cancels_what_waits_for_its_client() {
    for over in ALL {
        let (running, journal) = start(over);
        let mut leaving = SseClient::open(running.port(), "{}").await;
        leaving.ask("1", "tools/call", &of_modern(&tool("ask", "{}"))).await;
        let asked = Asked::of(&part(&leaving.next().await.unwrap(), "result").unwrap());
        drop(leaving);
        cancelled(&journal).await;
        link_is_gone(over, &journal, 1).await;
        let mut other = SseClient::open(running.port(), "{}").await;
        let retry = of_modern(&asked.answered("ask", "{}", "{}"));
        other.ask("1", "tools/call", &retry).await;
        let refused = other.next().await.unwrap();
        assert!(refused.contains("has ended"), "{refused}");
        // A client of /mcp has no connection that could end.
        asked_and_answered(&client(&running), 4).await;
        running.stop();
    }
}

#[tokio::test]
async fn a_client_over_stdio_that_leaves_leaves_nothing_behind() {
    for over in ALL {
        let (world, journal) = world(over);
        let mut client = world.start_own();
        client.ask_modern("1", "tools/call", &tool("ask", "{}")).await;
        Asked::of(&part(&client.answer("1").await, "result").unwrap());
        client.close();
        let (status, _) = client.ended(Duration::from_secs(10)).await;
        assert!(status.success());
        assert_eq!(journal.messages("notifications/cancelled").len(), 1, "{over:?}");
        link_is_gone(over, &journal, 1).await;
    }
}

#[tokio::test]
async fn a_client_over_stdio_in_front_of_sse_that_leaves_leaves_nothing_behind() {
    let (running, journal) = start(Over::Stdio);
    let mut client = running.stdio("/sse");
    client.ask_modern("1", "tools/call", &tool("ask", "{}")).await;
    Asked::of(&part(&client.answer("1").await, "result").unwrap());
    client.close();
    cancelled(&journal).await;
    link_is_gone(Over::Stdio, &journal, 1).await;
    running.stop();
}

#[tokio::test]
async fn a_backend_that_waits_no_longer_is_answered_for() {
    for over in ALL {
        let (mut world, journal) = world(over);
        world.backend("odd", "max_concurrent_calls", 1);
        let running = world.start();
        let client = client(&running);
        let asked = asked(&client, "impatient", "{}").await;
        std::fs::write(running.file("gate"), "").unwrap();
        // There is one turn: when it is free, the call has ended, and the retry gets its outcome.
        Client::modern(running.port(), "{}")
            .result("tools/call", &tool("who", "{}"))
            .await;
        let result = client
            .result("tools/call", &asked.answered("impatient", "{}", r#"{"late":1}"#))
            .await;
        assert_eq!(part(&result, "answer").unwrap(), "null", "{over:?}");
        assert!(
            !journal.entries().iter().any(|entry| entry.text.contains("late")),
            "an answer that nobody waits for reaches the backend"
        );
        asked_and_answered(&client, 2).await;
        running.stop();
    }
}
