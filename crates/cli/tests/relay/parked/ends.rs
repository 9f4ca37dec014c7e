//! How calls end whose client was asked.

use std::time::Duration;

use argus_testkit::{Journal, is_gone, part, until};

use super::states::refusal;
use super::{ALL, Over, asked, asked_and_answered, client, start, world};
use crate::world::World;

/// Waits until the backend heard that a call was cancelled.
async fn cancelled(journal: &Journal) {
    let heard = journal.message("notifications/cancelled").await;
    assert!(
        heard.is_some(),
        "the backend does not hear of it: {:?}",
        journal.entries()
    );
}

#[tokio::test]
async fn a_question_that_is_never_answered_ends_the_call_and_its_link() {
    for over in ALL {
        let (mut world, journal) = world(over);
        world.server("parked_call_timeout", 1);
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
        running.stop();
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_its_retry_runs_cancels_the_call() {
    for over in ALL {
        let mut world = World::new();
        let gate = world.file("gate");
        let script = format!(
            r#"{{"tools/call ask": [{{"ask": "elicitation/create", "params": {{"message":"?"}}}}, {{"gate": {gate:?}}}, {{"result": {{}}}}]}}"#
        );
        let script = world.script("odd", &script);
        let arguments = ["verbatim", "--script", &script];
        let journal = match over {
            Over::Stdio => world.stdio("odd", &arguments),
            Over::Http => world.http("odd", &arguments),
            Over::Sse => world.sse("odd", &arguments),
        };
        let running = world.start();
        let client = client(&running);
        let asked = asked(&client, "ask", "{}").await;
        let pid = journal.messages("tools/call")[0].pid;
        let answered = asked.answered("ask", "{}", r#"{"yes":1}"#);
        let leaving = client.open("tools/call", &answered);
        assert!(tokio::time::timeout(Duration::from_millis(500), leaving).await.is_err());
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

#[tokio::test]
async fn the_end_of_the_gateway_ends_parked_calls() {
    let (running, journal) = start(Over::Stdio);
    let client = client(&running);
    asked(&client, "ask", "{}").await;
    let pid = journal.messages("tools/call")[0].pid;
    running.stop();
    assert!(
        until(Duration::from_secs(5), || is_gone(pid)).await,
        "its process remains"
    );
}

#[tokio::test]
async fn a_backend_that_waits_no_longer_is_answered_for() {
    for over in ALL {
        let (running, journal) = start(over);
        let client = client(&running);
        let asked = asked(&client, "impatient", "{}").await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        // The call has ended meanwhile, and the retry gets its outcome.
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
