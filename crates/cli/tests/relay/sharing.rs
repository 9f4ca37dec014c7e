//! Who shares a connection to a backend, and how many calls it gets at once.

use std::collections::BTreeSet;
use std::time::Duration;

use argus_testkit::{Client, Journal, is_gone, part, until};
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;

use crate::asks::asked_and_answered;
use crate::world::{Running, World, message, tool};

const WHO: &str = r#"{"tools/call who": [{"result": {"pid": "@pid"}}],
    "tools/call ask": [{"ask": "elicitation/create", "params": {"message":"@arguments","requestedSchema":{}}},
        {"result": {"asked":"@arguments","answer":"@answer"}}]}"#;

fn with(sharing: &str, most: usize) -> (Running, Journal) {
    let mut world = World::new();
    let script = world.script("odd", WHO);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    world.backend("odd", "sharing", sharing);
    world.backend("odd", "max_processes", most);
    (world.start(), journal)
}

async fn process_of(client: &Client) -> u32 {
    let result = client.result("tools/call", &tool("who", "{}")).await;
    part(&result, "pid").unwrap().parse().unwrap()
}

async fn processes_of(clients: &[Client]) -> BTreeSet<u32> {
    join_all(clients.iter().map(process_of)).await.into_iter().collect()
}

#[tokio::test]
async fn shared_means_one_process_for_all_and_no_questions() {
    let (running, _) = with("shared", 8);
    let clients = [running.askable().await, running.askable().await, running.plain().await];
    assert_eq!(processes_of(&clients).await.len(), 1);
    let result = clients[0].result("tools/call", &tool("ask", "{}")).await;
    assert!(part(&result, "answer").unwrap().contains("-32601"), "{result}");
    running.stop();
}

#[tokio::test]
async fn session_means_a_process_from_the_start_to_the_end_of_each() {
    let (running, journal) = with("session", 8);
    // By then the catalogue's process runs.
    running.modern().result("tools/list", "{}").await;
    let before = journal.all("start").len();
    let clients = [running.plain().await, running.askable().await];
    let started = until(Duration::from_secs(5), || journal.all("start").len() >= before + 2).await;
    assert!(started, "the processes wait for a first call");
    let processes = processes_of(&clients).await;
    assert_eq!(processes.len(), 2);
    for client in &clients {
        assert_eq!(client.end().await, 204);
    }
    let gone = until(Duration::from_secs(5), || processes.iter().all(|&pid| is_gone(pid))).await;
    assert!(gone, "the processes outlive their sessions");
    running.stop();
}

#[tokio::test]
async fn a_session_beyond_the_limit_shares_to_its_end_and_is_not_asked() {
    let (running, _) = with("auto", 2);
    let own = [running.askable().await, running.askable().await];
    let owned = processes_of(&own).await;
    assert_eq!(owned.len(), 2);
    let third = running.askable().await;
    let shared = process_of(&third).await;
    assert!(!owned.contains(&shared));
    assert_eq!(process_of(&running.plain().await).await, shared);
    let result = third.result("tools/call", &tool("ask", "{}")).await;
    assert!(part(&result, "answer").unwrap().contains("-32601"), "{result}");
    // There is room again, but what it began with a process it goes on with.
    assert_eq!(own[0].end().await, 204);
    assert_eq!(process_of(&third).await, shared);
    assert_ne!(process_of(&running.askable().await).await, shared);
    running.says("max_processes");
    running.stop();
}

#[tokio::test]
async fn fifty_clients_are_each_asked_by_their_own_calls() {
    let (running, _) = with("auto", 50);
    let clients = join_all((0..50).map(|_| running.askable())).await;
    let turns = clients.iter().enumerate().map(|(number, client)| async move {
        for turn in 0..3 {
            asked_and_answered(client, number * 10 + turn).await;
        }
    });
    join_all(turns).await;
    running.stop();
}

/// Calls `ask` with `mine`, answers a question with it, and gives what the backend heard, without its blanks.
async fn answer_to_mine(client: &Client, mine: &str) -> String {
    let mut exchange = client.open("tools/call", &tool("ask", mine)).await;
    let mut said = exchange.next().await.unwrap();
    if let Some(question) = part(&said, "params") {
        assert_eq!(
            part(&question, "message").unwrap(),
            mine,
            "the question of another's call"
        );
        let id = part(&said, "id").unwrap();
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{mine}}}"#);
        assert_eq!(client.send(&answer).await, 202);
        said = exchange.next().await.unwrap();
    }
    assert_eq!(exchange.next().await, None, "more than an answer");
    let result = part(&said, "result").unwrap_or_else(|| panic!("{mine} fails: {said}"));
    assert_eq!(part(&result, "asked").unwrap(), mine, "the answer to another's call");
    part(&result, "answer").unwrap()
}

#[tokio::test]
async fn of_fifty_clients_eight_are_asked_and_no_question_goes_astray() {
    let mut world = World::new();
    let script = world.script("odd", WHO);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let clients = join_all((0..50).map(|_| running.askable())).await;
    let turns = clients.iter().enumerate().map(|(number, client)| async move {
        let mut asked = 0;
        for turn in 0..3 {
            let mine = format!(r#"{{"n":"{number}.{turn}"}}"#);
            let answer = answer_to_mine(client, &mine).await;
            if answer == mine {
                asked += 1;
            } else {
                assert_eq!(part(&answer, "code").as_deref(), Some("-32601"), "{mine}: {answer}");
            }
        }
        asked
    });
    let asked = join_all(turns).await;
    let (all, none) = (|&&times: &&usize| times == 3, |&&times: &&usize| times == 0);
    assert_eq!(asked.iter().filter(all).count(), 8, "{asked:?}");
    assert_eq!(asked.iter().filter(none).count(), 42, "{asked:?}");
    // Alone on the shared process, too: what it is asked there was not promised.
    let beyond = asked.iter().position(|&times| times == 0).unwrap();
    let answer = answer_to_mine(&clients[beyond], r#"{"n":"alone"}"#).await;
    assert!(answer.contains("-32601"), "{answer}");
    let processes: BTreeSet<u32> = journal.messages("tools/call").iter().map(|call| call.pid).collect();
    assert_eq!(processes.len(), 9, "eight of their own and the shared one");
    running.stop();
}

#[tokio::test]
async fn calls_beyond_the_limit_wait_and_too_many_are_refused() {
    let mut world = World::new();
    let gate = world.file("gate");
    let script = format!(r#"{{"tools/call wait": [{{"gate": {gate:?}}}, {{"result": {{"done":true}}}}]}}"#);
    let script = world.script("odd", &script);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    world.backend("odd", "max_concurrent_calls", 2);
    world.backend("odd", "max_waiting_calls", 3);
    world.stdio("other", &["sane"]);
    let running = world.start();
    let client = running.plain().await;
    let wait = tool("wait", "{}");
    let mut calls: FuturesUnordered<_> = (0..6).map(|_| client.call("tools/call", &wait)).collect();
    // Once it is refused, all have arrived.
    let answer = calls.next().await.unwrap();
    let refused = part(&answer, "error").unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(
        message(&refused),
        "backend `odd`: 2 calls are with it and 3 wait already (max_concurrent_calls, max_waiting_calls); try again later"
    );
    assert!(until(Duration::from_secs(5), || journal.messages("tools/call").len() == 2).await);
    // Nobody else waits.
    client.result("tools/call", &tool("hello", "{}")).await;
    assert_eq!(journal.messages("tools/call").len(), 2, "more than two at once");
    std::fs::write(&gate, "").unwrap();
    let answers: Vec<String> = calls.collect().await;
    assert!(
        answers.iter().all(|answer| part(answer, "result").is_some()),
        "{answers:?}"
    );
    assert_eq!(journal.messages("tools/call").len(), 5);
    running.stop();
}
