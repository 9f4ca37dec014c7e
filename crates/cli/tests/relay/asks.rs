//! Questions of backends reach the client whose call caused them, and nobody else.

use argus_testkit::{Client, part};
use futures::future::join_all;

use crate::world::{Running, World, tool};

const ASK: &str = r#"{"tools/call ask": [
    {"ask": "elicitation/create", "params": {"message":"@arguments","requestedSchema":{}}},
    {"result": {"asked":"@arguments","answer":"@answer"}}]}"#;

/// Calls `ask` and answers its question with what it was asked.
pub(crate) async fn asked_and_answered(client: &Client, number: usize) {
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
    let gate = world.file("gate");
    let script = format!(
        r#"{{"notifications/initialized": [{{"gate": {gate:?}}}, {{"ask_aside": "elicitation/create", "params": {{"pid":"@pid"}}}}],
        "tools/call hello": [{{"result": {{"pid":"@pid"}}}}]}}"#
    );
    let script = world.script("odd", &script);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let (one, other) = (running.askable().await, running.askable().await);
    let (mut mine, mut theirs) = (one.listen().await, other.listen().await);
    let (my_process, their_process) = (
        one.result("tools/call", &tool("hello", "{}")).await,
        other.result("tools/call", &tool("hello", "{}")).await,
    );
    std::fs::write(&gate, "").unwrap();
    for (stream, process) in [(&mut mine, &my_process), (&mut theirs, &their_process)] {
        let question = stream.next().await.unwrap();
        assert_eq!(part(&question, "method").unwrap(), r#""elicitation/create""#);
        assert_eq!(
            &part(&question, "params").unwrap(),
            process,
            "a question of another session's backend"
        );
    }
    // The catalogue's link belongs to nobody: what it asks is refused.
    let refused = journal
        .find(|entry| entry.text.contains("-32601") && !my_process.contains(&entry.pid.to_string()))
        .await;
    assert!(refused.is_some());
    drop((mine, theirs));
    running.stop();
}

/// Two calls share a process: nobody can say whose question it is, so it is nobody's.
#[tokio::test]
async fn a_question_that_two_calls_could_have_caused_is_refused() {
    let mut world = World::new();
    let gate = world.file("gate");
    let script = format!(
        r#"{{"tools/call wait": [{{"gate": {gate:?}}}, {{"result": {{}}}}],
        "tools/call ask": [{{"ask": "elicitation/create", "params": {{}}}}, {{"result": {{"answer":"@answer"}}}}]}}"#
    );
    let script = world.script("odd", &script);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let (one, other) = (running.plain().await, running.plain().await);
    let wait = tool("wait", "{}");
    let waiting = one.call("tools/call", &wait);
    let asking = async {
        journal.message("tools/call").await.unwrap();
        let result = other.result("tools/call", &tool("ask", "{}")).await;
        std::fs::write(&gate, "").unwrap();
        result
    };
    let (waited, result) = futures::join!(waiting, asking);
    assert_eq!(part(&waited, "result").unwrap(), "{}");
    assert!(result.contains("-32601"), "{result}");
    running.stop();
}
