//! Clients that disappear at any moment, or answer what they were not asked, and backends that ask without end: nothing of
//! it stays.

use std::time::Duration;

use argus_testkit::{Client, Entry, Journal, is_gone, part, until};
use futures::future::join_all;
use serde_json::{Value, json};

use super::ends::{cancelled, link_is_gone};
use super::states::refusal;
use super::{ALL, Asked, Over, asked, asked_and_answered, client, scripted, start, world};
use crate::world::{Running, World, tool};

const FORM: &str = "elicitation/create";

/// One call at a time: another one is only answered when nothing is left of the first.
pub(super) async fn turn_is_free(running: &Running) {
    let other = Client::modern(running.port(), "{}");
    other.result("tools/call", &tool("hello", "{}")).await;
}

/// A backend with one turn, whose tool does this.
fn world_of(over: Over, steps: &Value) -> (World, Journal) {
    let mut world = World::new();
    let script = json!({"tools/call ask": steps, "tools/call hello": [{"result": {}}]});
    let journal = scripted(&mut world, over, &script.to_string());
    world.backend("odd", "max_concurrent_calls", 1);
    (world, journal)
}

#[tokio::test]
async fn one_that_leaves_before_the_question_comes_is_never_asked() {
    for over in ALL {
        let gate = tempfile::tempdir().unwrap();
        let gate = gate.path().join("gate");
        let steps = json!([{"gate": gate}, {"ask": FORM, "params": {"message": "?"}}, {"result": {}}]);
        let (world, journal) = world_of(over, &steps);
        let running = world.start();
        let client = client(&running);
        let call = tool("ask", "{}");
        let arrived = until(Duration::from_secs(10), || journal.messages("tools/call").len() == 1);
        tokio::select! {
            // The head of its stream may come.
            _ = async { client.open("tools/call", &call).await.next().await } => panic!("{over:?}: it is answered"),
            arrived = arrived => assert!(arrived, "{over:?}: the call does not arrive"),
        }
        cancelled(&journal).await;
        turn_is_free(&running).await;
        link_is_gone(over, &journal, 1).await;
        running.stop();
    }
}

#[tokio::test]
async fn one_that_leaves_after_the_result_leaves_a_link_for_the_next_call() {
    for over in ALL {
        let (running, journal) = start(over);
        let client = client(&running);
        let asked = asked(&client, "ask", "{}").await;
        let mut exchange = client.open("tools/call", &asked.answered("ask", "{}", "{}")).await;
        exchange.next().await.unwrap();
        drop(exchange);
        asked_and_answered(&client, 2).await;
        let calls = journal.messages("tools/call");
        let session = |at: usize| (calls[at].pid, calls[at].headers.get("mcp-session-id").cloned());
        assert_eq!(session(0), session(1), "{over:?}: the link is not used again");
        assert!(journal.messages("notifications/cancelled").is_empty(), "{over:?}");
        running.stop();
    }
}

/// How many calls the backend was not told that they are over.
fn not_cancelled(journal: &Journal) -> usize {
    let at = |entry: &Entry, id: Option<String>| (entry.pid, entry.headers.get("mcp-session-id").cloned(), id);
    let mut cancelled: Vec<_> = journal
        .messages("notifications/cancelled")
        .iter()
        .map(|entry| at(entry, part(&entry.params().unwrap(), "requestId")))
        .collect();
    let calls = journal.messages("tools/call");
    // Connections over SSE are told apart by nothing here, and each counts its ids from the start.
    let told = |call: &&Entry| {
        let call = at(call, part(&call.text, "id"));
        let place = cancelled.iter().position(|cancelled| *cancelled == call);
        place.map(|place| cancelled.swap_remove(place)).is_some()
    };
    calls.len() - calls.iter().filter(told).count()
}

#[tokio::test]
async fn those_that_leave_at_any_moment_leave_nothing_behind() {
    for running in join_all(ALL.map(left_at_any_moment)).await {
        running.stop();
    }
}

async fn left_at_any_moment(over: Over) -> Running {
    let (mut world, journal) = world(over);
    // Long enough for those that are answered.
    world.server("parked_call_timeout", 4);
    world.backend("odd", "max_processes", 20);
    let running = world.start();
    let client = client(&running);
    // The first call makes the link that the others take turns with, or give up.
    asked_and_answered(&client, 1).await;
    let call = tool("close", "{}");
    let count = |method: &str| journal.messages(method).len();
    let mut wait = 1;
    // Those who leave first may have left before the backend was told; later ones have not.
    while wait <= 36 || count("tools/call") < 5 {
        let leaving = client.open("tools/call", &call);
        let _ = tokio::time::timeout(Duration::from_millis(wait), leaving).await;
        wait += 3;
        assert!(wait < 400, "{over:?}: only {} calls arrive", count("tools/call"));
    }
    // But for the first call, which was answered. One whose caller left while it was being written may be cancelled
    // without having arrived.
    let all = || not_cancelled(&journal) <= 1;
    let settled = async {
        while !until(Duration::from_secs(5), all).await || {
            let before = count("tools/call");
            tokio::time::sleep(Duration::from_millis(300)).await;
            count("tools/call") != before
        } {}
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(60), settled).await.is_ok() && all(),
        "{over:?}: {} calls, {} not cancelled",
        count("tools/call"),
        not_cancelled(&journal)
    );
    let pids: Vec<u32> = journal.messages("tools/call").iter().map(|call| call.pid).collect();
    if over == Over::Stdio {
        let gone = || pids.iter().all(|pid| is_gone(*pid));
        assert!(until(Duration::from_secs(5), gone).await, "processes remain");
    }
    asked_and_answered(&client, 2).await;
    running
}

#[tokio::test]
async fn answers_of_a_wrong_shape_use_nothing_up() {
    let (running, journal) = start(Over::Stdio);
    let client = client(&running);
    let one = asked(&client, "ask", r#"{"n":1}"#).await;
    let other = asked(&client, "ask", r#"{"n":2}"#).await;
    for wrong in [
        "5",
        "null",
        "[]",
        r#""q1""#,
        r#"{"q1":null}"#,
        r#"{"q1":[]}"#,
        r#"{"q1":{},"q2":"x"}"#,
    ] {
        let why = refusal(&client, "tools/call", &one.with("ask", r#"{"n":1}"#, wrong)).await;
        assert!(why.contains("inputResponses"), "{wrong}: {why}");
    }
    // The state of another call with the arguments of this one.
    let foreign = other.answered("ask", r#"{"n":1}"#, "{}");
    refusal(&client, "tools/call", &foreign).await;
    // Keys of questions that were never asked answer nothing.
    let params = one.with("ask", r#"{"n":1}"#, r#"{"q2":{},"":{},"ask-1":{}}"#);
    let again = Asked::of(&client.result("tools/call", &params).await);
    assert!(
        !journal
            .entries()
            .iter()
            .any(|entry| entry.text.contains(r#""id":"ask-"#))
    );
    for (asked, number) in [(again, 1), (other, 2)] {
        let arguments = format!(r#"{{"n":{number}}}"#);
        let retry = asked.answered("ask", &arguments, &format!(r#"{{"mine":{number}}}"#));
        let result = client.result("tools/call", &retry).await;
        assert_eq!(part(&result, "answer").unwrap(), format!(r#"{{"mine":{number}}}"#));
    }
    assert_eq!(journal.messages("tools/call").len(), 2);
    running.stop();
}

#[tokio::test]
async fn a_backend_that_asks_without_end_asks_as_long_as_it_is_answered() {
    for running in join_all(ALL.map(asks_without_end)).await {
        running.stop();
    }
}

async fn asks_without_end(over: Over) -> Running {
    let steps: Vec<Value> = (0..50)
        .map(|number| json!({"ask": FORM, "params": {"message": number}}))
        .collect();
    let (mut world, journal) = world_of(over, &json!(steps));
    world.server("parked_call_timeout", 4);
    let running = world.start();
    let client = client(&running);
    let mut last = asked(&client, "ask", "{}").await;
    for number in 1..30 {
        last = Asked::of(&client.result("tools/call", &last.answered("ask", "{}", "{}")).await);
        assert_eq!(last.message(), number, "{over:?}");
    }
    assert_eq!(journal.messages("tools/call").len(), 1);
    assert!(journal.messages("notifications/cancelled").is_empty());
    // The client has enough.
    cancelled(&journal).await;
    turn_is_free(&running).await;
    link_is_gone(over, &journal, 1).await;
    running
}

#[tokio::test]
async fn a_backend_that_asks_very_much_at_once_is_refused_most_of_it() {
    for over in ALL {
        let question = |number: usize| {
            json!({"jsonrpc": "2.0", "id": format!("x-{number}"), "method": FORM, "params": {"message": number}})
                .to_string()
        };
        let mut steps: Vec<Value> = (0..200).map(|number| json!({"line": question(number)})).collect();
        steps.push(json!({"sleep": 200}));
        steps.extend((200..400).map(|number| json!({"line": question(number)})));
        steps.push(json!({"gate": "/nowhere/at/all"}));
        let (mut world, journal) = world_of(over, &json!(steps));
        world.server("parked_call_timeout", 4);
        let running = world.start();
        let client = client(&running);
        let asked = Asked::of(&client.result("tools/call", &tool("ask", "{}")).await);
        let questions = asked.requests.as_object().unwrap().len();
        assert!((1..=32).contains(&questions), "{over:?}: {questions}");
        let refused = || {
            journal
                .entries()
                .iter()
                .filter(|entry| entry.text.contains("-32603"))
                .count()
        };
        let most = until(Duration::from_secs(10), || refused() >= 300).await;
        assert!(most, "{over:?}: only {} questions are refused", refused());
        cancelled(&journal).await;
        turn_is_free(&running).await;
        link_is_gone(over, &journal, 1).await;
        running.stop();
    }
}
