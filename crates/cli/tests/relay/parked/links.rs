//! Whose links the questions come on.

use std::time::Duration;

use argus_testkit::{Client, part, until};
use futures::future::join_all;

use super::{ALL, ASKABLE, Over, asked, asked_and_answered, client, start, world};
use crate::world::tool;

#[tokio::test]
async fn what_is_asked_aside_belongs_to_the_only_call_of_the_link() {
    for over in ALL {
        let (running, journal) = start(over);
        let client = client(&running);
        client.result("tools/call", &tool("who", "{}")).await;
        if over == Over::Http {
            // The GET stream of a session may open after its first call; that of the catalogue is another one.
            let listens = until(Duration::from_secs(10), || journal.all("get").len() >= 2).await;
            assert!(listens, "{:?}", journal.all("get"));
        }
        let asked = asked(&client, "aside", "{}").await;
        assert_eq!(asked.message(), "aside", "{over:?}");
        std::fs::write(running.file("gate"), "").unwrap();
        let result = client.result("tools/call", &asked.answered("aside", "{}", "{}")).await;
        assert_eq!(part(&result, "done").unwrap(), "true");
        running.stop();
    }
}

#[tokio::test]
async fn many_clients_at_once_get_their_own_questions() {
    for over in ALL {
        let (mut world, _) = world(over);
        if over != Over::Http {
            world.backend("odd", "max_processes", 13);
        }
        let running = world.start();
        let clients: Vec<Client> = (0..12).map(|_| client(&running)).collect();
        let turns = clients.iter().enumerate().map(|(number, client)| async move {
            for turn in 0..4 {
                asked_and_answered(client, number * 10 + turn).await;
            }
        });
        join_all(turns).await;
        running.stop();
    }
}

#[tokio::test]
async fn links_of_calls_and_of_sessions_are_counted_together() {
    let (mut world, journal) = world(Over::Stdio);
    world.backend("odd", "max_processes", 2);
    let running = world.start();
    let modern = client(&running);
    let parked = asked(&modern, "ask", "{}").await;
    let session = running.askable().await;
    session.result("tools/call", &tool("who", "{}")).await;
    // There is no third place: what the backend asks is refused.
    let result = modern.result("tools/call", &tool("ask", "{}")).await;
    assert!(part(&result, "answer").unwrap().contains("-32601"), "{result}");
    modern.result("tools/call", &parked.answered("ask", "{}", "{}")).await;
    // The link of the call is free now: it makes room for a session.
    let before = journal.all("start").len();
    let other = running.askable().await;
    other.result("tools/call", &tool("who", "{}")).await;
    assert_eq!(
        journal.all("start").len(),
        before + 1,
        "the session has no process of its own"
    );
    running.says("max_processes");
    running.stop();
}

#[tokio::test]
async fn a_caller_has_so_many_parked_calls() {
    let (running, _) = start(Over::Http);
    let client = client(&running);
    let all = join_all((0..16).map(|_| asked(&client, "ask", "{}"))).await;
    let result = client.result("tools/call", &tool("ask", "{}")).await;
    assert!(result.contains("too many calls wait for answers"), "{result}");
    client.result("tools/call", &all[0].answered("ask", "{}", "{}")).await;
    asked(&client, "ask", "{}").await;
    running.stop();
}

#[tokio::test]
async fn calls_of_clients_that_declare_nothing_share_a_link() {
    let (running, journal) = start(Over::Stdio);
    let client = Client::modern(running.port(), "{}");
    client.result("tools/call", &tool("who", "{}")).await;
    let before = journal.all("start").len();
    join_all((0..4).map(|_| async { client.result("tools/call", &tool("who", "{}")).await })).await;
    assert_eq!(journal.all("start").len(), before);
    running.stop();
}

#[tokio::test]
async fn shared_means_that_no_call_has_a_link_of_its_own() {
    let (mut world, journal) = world(Over::Stdio);
    world.backend("odd", "sharing", "shared");
    let running = world.start();
    let client = client(&running);
    let result = client.result("tools/call", &tool("ask", "{}")).await;
    assert!(part(&result, "answer").unwrap().contains("-32601"), "{result}");
    assert!(journal.all("start").len() <= 3, "{:?}", journal.all("start"));
    running.stop();
}

#[tokio::test]
async fn a_link_is_not_lent_to_another_caller() {
    let (running, _) = start(Over::Stdio);
    let pid = async |client: &Client| part(&client.result("tools/call", &tool("who", "{}")).await, "pid").unwrap();
    let one = client(&running);
    let other = Client::modern(running.port(), ASKABLE).at("127.0.0.2".parse().unwrap());
    let unlike = Client::modern(running.port(), r#"{"sampling":{}}"#);
    let first = pid(&one).await;
    assert_eq!(pid(&one).await, first, "the link is not kept");
    let (second, third) = (pid(&other).await, pid(&unlike).await);
    assert!(second != first && third != first && third != second);
    assert_eq!(pid(&one).await, first);
    running.stop();
}
