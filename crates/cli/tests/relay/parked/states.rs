//! What a client carries from round to round, and what it must not.

use argus_testkit::{Client, part};
use futures::future::join_all;

use super::{ASKABLE, Asked, Over, asked, asked_and_answered, client, start, world};
use crate::world::message;

/// What is wrong with a state, as the client is told.
pub(super) async fn refusal(client: &Client, method: &str, params: &str) -> String {
    let error = client.error(method, params).await;
    assert_eq!(part(&error, "code").unwrap(), "-32602", "{error}");
    message(&error)
}

#[tokio::test]
async fn a_state_that_is_not_this_requests_resumes_nothing() {
    let (running, journal) = start(Over::Stdio);
    let client = client(&running);
    let asked = asked(&client, "ask", r#"{"a":1}"#).await;
    let good = asked.answered("ask", r#"{"a":1}"#, r#"{"yes":1}"#);
    let foreign = "it was not made here for this request";
    let mut tampered = asked.clone();
    let middle = tampered.state.len() / 2;
    let other = if tampered.state.as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    tampered.state.replace_range(middle..=middle, other);
    for params in [
        tampered.answered("ask", r#"{"a":1}"#, "{}"),
        good.replace(&asked.state, "p.forged"),
        good.replace(&asked.state, "p."),
        good.replace(&asked.state, "forged"),
        good.replace(&asked.state, &asked.state.replace("p.", "u.")),
        good.replace(&asked.state, &asked.state.replace("p.", "")),
        asked.answered("ask", r#"{"a":2}"#, "{}"),
        asked.answered("two", r#"{"a":1}"#, "{}"),
        good.replace(&format!("\"{}\"", asked.state), "5"),
    ] {
        let why = refusal(&client, "tools/call", &params).await;
        assert!(why.contains(foreign), "{why}: {params}");
    }
    let prompt = asked.answered("ask", r#"{"a":1}"#, "{}");
    assert!(refusal(&client, "prompts/get", &prompt).await.contains(foreign));
    let other = Client::modern(running.port(), ASKABLE).at("127.0.0.2".parse().unwrap());
    assert!(refusal(&other, "tools/call", &good).await.contains(foreign));
    let malformed = asked.with("ask", r#"{"a":1}"#, r#"{"q1":5}"#);
    assert!(
        refusal(&client, "tools/call", &malformed)
            .await
            .contains("inputResponses")
    );
    assert_eq!(journal.messages("tools/call").len(), 1, "something was called");
    let answered = journal.entries().iter().any(|entry| entry.text.contains("\"ask-1\""));
    assert!(!answered, "the question was answered");
    // None of this has used the state up.
    let result = client.result("tools/call", &good).await;
    assert_eq!(part(&result, "answer").unwrap(), r#"{"yes":1}"#);
    // Now it is.
    let why = refusal(&client, "tools/call", &good).await;
    assert!(why.contains("used already"), "{why}");
    assert_eq!(journal.messages("tools/call").len(), 1);
    running.stop();
}

#[tokio::test]
async fn a_state_of_an_earlier_round_is_used_up() {
    let (running, _) = start(Over::Http);
    let client = client(&running);
    let first = asked(&client, "rounds", "{}").await;
    let retry = first.answered("rounds", "{}", "{}");
    let second = Asked::of(&client.result("tools/call", &retry).await);
    assert!(refusal(&client, "tools/call", &retry).await.contains("used already"));
    client
        .result("tools/call", &second.answered("rounds", "{}", "{}"))
        .await;
    running.stop();
}

#[tokio::test]
async fn of_two_retries_at_once_one_goes_on() {
    let (running, journal) = start(Over::Stdio);
    let client = client(&running);
    let asked = asked(&client, "ask", "{}").await;
    let retry = asked.answered("ask", "{}", "{}");
    let answers = join_all((0..8).map(|_| client.call("tools/call", &retry))).await;
    let gone_on = answers.iter().filter(|answer| part(answer, "result").is_some()).count();
    assert_eq!(gone_on, 1, "{answers:?}");
    assert_eq!(journal.messages("tools/call").len(), 1);
    running.stop();
}

#[tokio::test]
async fn a_state_of_an_earlier_run_says_so() {
    let (world, _journal) = world(Over::Stdio);
    let running = world.start_with_state();
    let before = asked(&client(&running), "ask", "{}").await;
    let running = running.stopped().start_with_state();
    let client = client(&running);
    let why = refusal(&client, "tools/call", &before.answered("ask", "{}", "{}")).await;
    assert!(why.contains("restarted") && why.contains("call again"), "{why}");
    asked_and_answered(&client, 1).await;
    running.stop();
}
