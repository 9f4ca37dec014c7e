//! A backend that forgets a session while many calls are in it.

use std::time::Duration;

use argus_testkit::{Client, Journal, part, until};
use futures::future::join_all;

use crate::world::{World, message, tool};

const CALLS: usize = 32;

/// A backend that answers no call of `hello` before a file is there, and then with `404`, until its session was opened
/// `opened` times (the catalogue's counts, too).
fn forgetful(world: &mut World, opened: usize) -> (Journal, std::path::PathBuf) {
    let gate = world.file("gate");
    let script = format!(
        r#"{{"initialize": [{{"turn": true}}, {{"result": {{"protocolVersion": "2025-11-25", "capabilities": {{"tools": {{}}}}, "serverInfo": {{"name": "odd", "version": "1"}}}}}}],
            "tools/call hello": [{{"gate": {gate:?}}}, {{"status": 404}}],
            "tools/call hello#{opened}": [{{"result": {{"said": "@arguments"}}}}]}}"#
    );
    let script = world.script("odd", &script);
    (world.http("odd", &["verbatim", "--script", &script]), gate)
}

/// How often a session was opened with exactly these capabilities: which of the links it is.
fn opened(journal: &Journal, capabilities: &str) -> usize {
    let told = |params: Option<String>| part(&params?, "capabilities");
    let of_link = |params| told(params).as_deref() == Some(capabilities);
    let opened = journal.messages("initialize");
    opened.iter().filter(|entry| of_link(entry.params())).count()
}

#[tokio::test]
async fn a_session_that_many_calls_lose_is_opened_again_once() {
    for own in [false, true] {
        let mut world = World::new();
        // The catalogue's, the one that is lost, and the one that is opened instead.
        let (journal, gate) = forgetful(&mut world, 3);
        let running = world.start();
        running.says("backend is ready backend=odd");
        let clients = match own {
            // A link of its own: of one session only.
            true => vec![running.askable().await],
            false => vec![
                running.plain().await,
                running.plain().await,
                Client::modern(running.port(), "{}"),
            ],
        };
        let calls = (0..CALLS).map(|number| {
            let client = &clients[number % clients.len()];
            let params = tool("hello", &format!(r#"{{"n":{number}}}"#));
            async move { client.result("tools/call", &params).await }
        });
        let losing = async {
            let waiting = || journal.messages("tools/call").len() == CALLS;
            assert!(until(Duration::from_secs(10), waiting).await, "the calls do not arrive");
            std::fs::write(&gate, "").unwrap();
        };
        let (results, ()) = futures::join!(join_all(calls), losing);
        for (number, result) in results.iter().enumerate() {
            assert!(
                result.contains(&format!(r#""said": {{"n":{number}}}"#)),
                "{number}: {result}"
            );
        }
        let capabilities = if own {
            r#"{"elicitation":{},"sampling":{}}"#
        } else {
            "{}"
        };
        assert_eq!(opened(&journal, capabilities), 2, "own: {own}");
        assert_eq!(journal.messages("initialize").len(), 3, "own: {own}");
        assert_eq!(journal.messages("tools/call").len(), 2 * CALLS, "each once more");
        running.stop();
    }
}

#[tokio::test]
async fn a_session_that_is_always_gone_is_an_error_and_no_circle() {
    for own in [false, true] {
        let mut world = World::new();
        let (journal, gate) = forgetful(&mut world, usize::MAX);
        std::fs::write(gate, "").unwrap();
        let running = world.start();
        let client = if own {
            running.askable().await
        } else {
            running.plain().await
        };
        let errors =
            join_all((0..CALLS).map(|_| async { client.error("tools/call", &tool("hello", "{}")).await })).await;
        for error in &errors {
            assert_eq!(message(error), "backend `odd`: the session with it is gone; try again");
        }
        assert!(
            journal.messages("tools/call").len() <= 2 * CALLS,
            "a call is repeated once"
        );
        // Nobody calls any more: the shared link is made anew once, and that is that.
        let opened = || journal.messages("initialize").len();
        let (mut last, mut rests) = (opened(), false);
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(700)).await;
            let now = opened();
            rests = now == last;
            if rests {
                break;
            }
            last = now;
        }
        assert!(rests && last < 10, "it goes in circles: opened {last} times");
        running.stop();
    }
}

#[tokio::test]
async fn a_session_that_is_unknown_with_400_is_opened_again() {
    for with in ["null", "without", "named", "text"] {
        let mut world = World::new();
        let journal = world.http("odd", &["session-400", "--with", with]);
        let running = world.start();
        let clients = [
            running.plain().await,
            running.askable().await,
            Client::modern(running.port(), "{}"),
        ];
        for client in &clients {
            client.result("tools/call", &tool("hello", "{}")).await;
            client.result("tools/call", &tool("forget", "{}")).await;
            // What comes first after it finds out, and nobody else does.
            client.result("tools/call", &tool("hello", "{}")).await;
        }
        let told = |entry: &argus_testkit::Entry| part(&entry.params().unwrap(), "name").unwrap();
        let calls = journal.messages("tools/call");
        let forgot = calls.iter().filter(|entry| told(entry) == r#""forget""#).count();
        assert_eq!(forgot, clients.len(), "{with}: what was done is not done again");
        running.stop();
    }
}

#[tokio::test]
async fn a_400_for_another_reason_ends_no_session() {
    for ping in ["", r#""ping": [{"status": 400}], "#] {
        a_400_ends_no_session(ping).await;
    }
}

async fn a_400_ends_no_session(ping: &str) {
    let mut world = World::new();
    let script = r#"{PING"tools/list": [{"result": {"tools": [{"name": "bad", "inputSchema": {"type": "object"}}, {"name": "good", "inputSchema": {"type": "object"}}]}}],
        "tools/call bad": [{"status": 400}], "tools/call good": [{"result": {"content": []}}]}"#;
    let script = world.script("odd", &script.replace('\n', " ").replace("PING", ping));
    let journal = world.http("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("good", "{}")).await;
    let opened = journal.messages("initialize").len();
    for _ in 0..5 {
        let error = client.error("tools/call", &tool("bad", "{}")).await;
        assert_eq!(message(&error), "backend `odd`: answered 400 Bad Request");
        client.result("tools/call", &tool("good", "{}")).await;
    }
    assert_eq!(journal.messages("initialize").len(), opened);
    let asked = journal.messages("tools/call").len();
    assert_eq!(asked, 11, "none is sent twice");
    running.stop();
}
