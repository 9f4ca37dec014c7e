//! Questions of backends reach the client whose call caused them, and nobody else.

use argus_testkit::{Client, part};
use futures::future::join_all;

use crate::world::{Running, World, tool};

const ASK: &str = r#"{"tools/call ask": [
    {"ask": "elicitation/create", "params": {"message":"@arguments","requestedSchema":{}}},
    {"result": {"asked":"@arguments","answer":"@answer"}}]}"#;

/// Calls `ask` and answers its question with what it was asked.
async fn asked_and_answered(client: &Client, number: usize) {
    let arguments = format!(r#"{{"n":{number}}}"#);
    let mut exchange = client.open("tools/call", &tool("ask", &arguments)).await;
    let question = exchange.next().await.unwrap();
    let params = part(&question, "params").unwrap_or_else(|| panic!("no question: {question}"));
    assert_eq!(part(&params, "message").unwrap(), arguments);
    let id = part(&question, "id").unwrap();
    client
        .send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"mine":{number}}}}}"#
        ))
        .await;
    let result = part(&exchange.answer().await, "result").unwrap();
    assert_eq!(
        result,
        format!(r#"{{"asked":{arguments},"answer":{{"mine":{number}}}}}"#)
    );
}

async fn many_at_once(running: &Running, sessions: usize) {
    let clients = join_all((0..sessions).map(|_| running.askable())).await;
    let turns = clients.iter().enumerate().map(|(number, client)| async move {
        for turn in 0..3 {
            asked_and_answered(client, number * 10 + turn).await;
        }
    });
    join_all(turns).await;
}

#[tokio::test]
async fn ten_sessions_over_http() {
    let mut world = World::new();
    let script = world.script("ask", ASK);
    world.http("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    many_at_once(&running, 10).await;
    running.stop();
}

#[tokio::test]
async fn eight_sessions_over_stdio_each_with_a_process() {
    let mut world = World::new();
    let script = world.script("ask", ASK);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    many_at_once(&running, 8).await;
    let askers: std::collections::HashSet<u32> = journal.messages("tools/call").iter().map(|call| call.pid).collect();
    assert_eq!(askers.len(), 8, "each session has a process of its own");
    running.stop();
}

#[tokio::test]
async fn a_client_that_cannot_be_asked_is_not() {
    for http in [false, true] {
        let mut world = World::new();
        let script = world.script("ask", ASK);
        let journal = if http {
            world.http("odd", &["verbatim", "--script", &script])
        } else {
            world.stdio("odd", &["verbatim", "--script", &script])
        };
        let running = world.start();
        let client = running.plain().await;
        client.call("ping", "{}").await;
        let opened = journal.message("initialize").await.unwrap();
        assert!(
            part(&opened.params().unwrap(), "capabilities")
                .unwrap()
                .contains("elicitation"),
            "the catalogue's"
        );
        // The backend asks all the same; the client, which declared nothing, is not the one who answers.
        let messages = client.open("tools/call", &tool("ask", "{}")).await;
        let pid = journal.message("tools/call").await.unwrap().pid;
        let told = journal
            .messages("initialize")
            .into_iter()
            .rfind(|entry| entry.pid == pid)
            .unwrap();
        assert_eq!(
            part(&told.params().unwrap(), "capabilities").unwrap(),
            "{}",
            "the backend was told the truth"
        );
        drop(messages);
        running.stop();
    }
}

#[tokio::test]
async fn a_question_of_no_call_reaches_the_stream_of_the_session_that_owns_the_link() {
    let mut world = World::new();
    world.stdio("odd", &["asks-unattributed"]);
    let running = world.start();
    let (one, other) = (running.askable().await, running.askable().await);
    let (mut mine, mut theirs) = (one.listen().await, other.listen().await);
    one.result("tools/call", &tool("hello", "{}")).await;
    let question = mine.next().await.unwrap();
    assert_eq!(part(&question, "method").unwrap(), r#""elicitation/create""#);
    let strange = theirs.next_within(std::time::Duration::from_millis(200)).await;
    assert_eq!(strange, None, "a question of another session's backend");
    drop((mine, theirs));
    running.stop();
}
