//! Modern clients at legacy backends that ask in the midst of a call: the call waits for the client's answers.

mod ends;
mod errors;
mod hostile;
mod links;
mod making;
mod said;
mod states;

use std::time::Duration;

use argus_testkit::{Client, Journal, SseClient, part};
use serde_json::{Value, json};

use crate::world::{Running, World, tool};

/// Where it says `GATE`, it waits for the file `gate` of the test.
const SCRIPT: &str = r#"{
    "tools/call ask": [
        {"ask": "elicitation/create", "params": {"message":"@arguments","requestedSchema":{}, "n":1.0}},
        {"result": {"asked":"@arguments","answer":"@answer"}}],
    "prompts/get ask": [
        {"ask": "sampling/createMessage", "params": {"messages":[]}}, {"result": {"answer":"@answer"}}],
    "prompts/list": [{"result": {"prompts": [{"name":"ask"}]}}],
    "tools/call two": [
        {"ask_all": ["elicitation/create", "sampling/createMessage"], "params": {"message":"@arguments"}},
        {"result": {"answers":"@answer"}}],
    "tools/call rounds": [
        {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 1}},
        {"ask": "elicitation/create", "params": {"message":"first"}},
        {"notify": "notifications/message", "params": {"level":"info","data":"@answer"}},
        {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 2}},
        {"ask": "elicitation/create", "params": {"message":"second"}},
        {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 3}},
        {"result": {"last":"@answer"}}],
    "tools/call close": [
        {"line": "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"one\"}}"},
        {"sleep": 2}, {"ask": "elicitation/create", "params": {"message":"two"}}, {"result": {"answer":"@answer"}}],
    "tools/call late": [
        {"line": "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"one\"}}"},
        {"gate": "GATE"}, {"ask": "elicitation/create", "params": {"message":"two"}}, {"result": {"answer":"@answer"}}],
    "tools/call roots": [{"ask": "roots/list"}, {"result": {"answer":"@answer"}}],
    "tools/call url": [{"ask": "elicitation/create", "params": {"mode":"url","url":"x://y"}}, {"result": {"answer":"@answer"}}],
    "tools/call impatient": [
        {"line": "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"quick!\"}}"}, {"gate": "GATE"},
        {"line": "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"x\"}}"}, {"result": {"answer":"@answer"}}],
    "tools/call aside": [
        {"ask_aside": "elicitation/create", "params": {"message":"aside"}}, {"gate": "GATE"}, {"result": {"done":true}}],
    "tools/call who": [{"result": {"pid":"@pid"}}],
    "initialize": [{"result": {"protocolVersion":"2025-11-25","capabilities":{"tools":{},"prompts":{}},"serverInfo":{"name":"odd","version":"1"}}}]
}"#;

const ASKABLE: &str = r#"{"elicitation":{},"sampling":{}}"#;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Over {
    Stdio,
    Http,
    Sse,
}

const ALL: [Over; 3] = [Over::Stdio, Over::Http, Over::Sse];

fn world(over: Over) -> (World, Journal) {
    let mut world = World::new();
    let gate = json!(world.file("gate")).to_string();
    let journal = scripted(&mut world, over, &SCRIPT.replace("\"GATE\"", &gate));
    (world, journal)
}

/// Adds a backend with a script.
fn scripted(world: &mut World, over: Over, script: &str) -> Journal {
    let script = world.script("odd", script);
    let arguments = ["verbatim", "--script", &script];
    match over {
        Over::Stdio => world.stdio("odd", &arguments),
        Over::Http => world.http("odd", &arguments),
        Over::Sse => world.sse("odd", &arguments),
    }
}

fn start(over: Over) -> (Running, Journal) {
    let (world, journal) = world(over);
    (world.start(), journal)
}

fn client(running: &Running) -> Client {
    Client::modern(running.port(), ASKABLE)
}

/// What a client was asked.
#[derive(Debug, Clone)]
struct Asked {
    requests: Value,
    state: String,
}

impl Asked {
    fn of(result: &str) -> Self {
        let result: Value = serde_json::from_str(result).unwrap();
        assert_eq!(result["resultType"], "input_required", "{result}");
        Self {
            requests: result["inputRequests"].clone(),
            state: result["requestState"].as_str().unwrap().to_owned(),
        }
    }

    /// The key of the only question.
    fn key(&self) -> String {
        let keys: Vec<&String> = self.requests.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 1, "{}", self.requests);
        keys[0].clone()
    }

    fn message(&self) -> &Value {
        &self.requests[self.key()]["params"]["message"]
    }

    /// The parameters of the retry with this answer to the only question.
    fn answered(&self, name: &str, arguments: &str, answer: &str) -> String {
        self.with(name, arguments, &format!(r#"{{"{}":{answer}}}"#, self.key()))
    }

    fn with(&self, name: &str, arguments: &str, responses: &str) -> String {
        format!(
            r#"{{"name":"{name}","arguments":{arguments},"inputResponses":{responses},"requestState":"{}"}}"#,
            self.state
        )
    }
}

async fn asked(client: &Client, name: &str, arguments: &str) -> Asked {
    Asked::of(&client.result("tools/call", &tool(name, arguments)).await)
}

/// Calls `ask` and answers with what it was asked.
async fn asked_and_answered(client: &Client, number: usize) {
    let arguments = format!(r#"{{"n":{number}}}"#);
    let asked = asked(client, "ask", &arguments).await;
    assert_eq!(asked.message(), &json!({ "n": number }), "another's question");
    let answer = format!(r#"{{"mine":{number}.0}}"#);
    let result = client
        .result("tools/call", &asked.answered("ask", &arguments, &answer))
        .await;
    assert_eq!(part(&result, "asked").unwrap(), arguments);
    assert_eq!(part(&result, "answer").unwrap(), answer);
}

#[tokio::test]
async fn a_question_is_answered_and_the_call_runs_once() {
    for over in ALL {
        let (running, journal) = start(over);
        let client = client(&running);
        let result = client.result("tools/call", &tool("ask", r#"{"a":1.0}"#)).await;
        let asked = Asked::of(&result);
        assert_eq!(asked.key(), "q1");
        assert!(
            result.contains(r#"{"message":{"a":1.0},"requestedSchema":{}, "n":1.0}"#),
            "the question is not as the backend wrote it: {result}"
        );
        assert!(
            result.contains(r#""io.modelcontextprotocol/serverInfo":{"name":"odd""#),
            "{result}"
        );
        let retry = asked.answered("ask", r#"{"a":1.0}"#, r#"{"action":"accept","content":{"x":1.0}}"#);
        let result = client.result("tools/call", &retry).await;
        assert_eq!(
            part(&result, "answer").unwrap(),
            r#"{"action":"accept","content":{"x":1.0}}"#,
            "{over:?}"
        );
        assert_eq!(part(&result, "resultType").unwrap(), r#""complete""#);
        assert_eq!(journal.messages("tools/call").len(), 1, "the call ran more than once");
        // The link is free for the next call.
        asked_and_answered(&client, 7).await;
        let calls = journal.messages("tools/call");
        let told = |entry: &argus_testkit::Entry| entry.pid == calls[0].pid && entry.text.contains("elicitation");
        let links = journal.messages("initialize").into_iter().filter(told).count();
        assert_eq!(calls[0].pid, calls[1].pid);
        if over == Over::Stdio {
            assert_eq!(links, 1, "the second call has a process of its own");
        }
        running.stop();
    }
}

#[tokio::test]
async fn the_backend_is_told_what_the_caller_declares() {
    let (running, journal) = start(Over::Stdio);
    let caps = r#"{"roots":{},"extensions":{"x":{}},"elicitation":{"form":{}}}"#;
    let client = Client::modern(running.port(), caps);
    let asked = asked(&client, "roots", "{}").await;
    assert_eq!(asked.requests, json!({"q1": {"method": "roots/list"}}));
    let answer = r#"{"roots":[{"uri":"file:///x"}]}"#;
    let result = client
        .result("tools/call", &asked.answered("roots", "{}", answer))
        .await;
    assert_eq!(part(&result, "answer").unwrap(), answer);
    let pid = journal.messages("tools/call")[0].pid;
    let told = journal
        .messages("initialize")
        .into_iter()
        .find(|entry| entry.pid == pid)
        .unwrap();
    assert_eq!(
        part(&told.params().unwrap(), "capabilities").unwrap(),
        r#"{"elicitation":{"form":{}},"roots":{}}"#
    );
    // Another call may be made for other roots.
    let changed = "notifications/roots/list_changed";
    assert!(journal.messages(changed).is_empty());
    client.result("tools/call", &tool("who", "{}")).await;
    assert_eq!(
        journal
            .messages(changed)
            .iter()
            .map(|told| told.pid)
            .collect::<Vec<_>>(),
        [pid]
    );
    running.stop();
}

#[tokio::test]
async fn what_the_caller_did_not_declare_is_not_asked() {
    for over in ALL {
        let (running, journal) = start(over);
        let elicits = Client::modern(running.port(), r#"{"elicitation":{}}"#);
        for (client, tool_name, code) in [
            (&elicits, "roots", "-32601"),
            (&elicits, "url", "-32602"),
            (&Client::modern(running.port(), "{}"), "ask", "-32601"),
        ] {
            let result = client.result("tools/call", &tool(tool_name, "{}")).await;
            let answer = part(&result, "answer").unwrap();
            assert_eq!(part(&answer, "code").unwrap(), code, "{tool_name} over {over:?}");
        }
        let opens = Client::modern(running.port(), r#"{"elicitation":{"form":{},"url":{}}}"#);
        assert_eq!(asked(&opens, "url", "{}").await.requests["q1"]["params"]["mode"], "url");
        drop(journal);
        running.stop();
    }
}

/// Calls a tool until both its questions are put at once, and says how often that took: what holds the gateway up between
/// the two parts them.
async fn asked_both(client: &Client, name: &str) -> (Asked, usize) {
    for calls in 1..=10 {
        let asked = asked(client, name, "{}").await;
        if asked.requests.as_object().unwrap().len() == 2 {
            return (asked, calls);
        }
    }
    panic!("never together")
}

#[tokio::test]
async fn two_questions_at_once_are_put_at_once() {
    for over in ALL {
        let (running, journal) = start(over);
        let client = client(&running);
        let (asked, calls) = asked_both(&client, "two").await;
        assert_eq!(asked.requests["q1"]["method"], "elicitation/create");
        assert_eq!(asked.requests["q2"]["method"], "sampling/createMessage");
        let retry = asked.with("two", "{}", r#"{"q2":{"second":2.0},"q1":{"first":1.0}}"#);
        let result = client.result("tools/call", &retry).await;
        assert_eq!(part(&result, "answers").unwrap(), r#"[{"first":1.0},{"second":2.0}]"#);
        assert_eq!(journal.messages("tools/call").len(), calls);
        running.stop();
    }
}

#[tokio::test]
async fn questions_that_come_close_together_are_put_at_once() {
    let (running, _) = start(Over::Stdio);
    let client = client(&running);
    let (asked, _) = asked_both(&client, "close").await;
    assert_eq!(asked.requests["q1"]["params"]["message"], "one");
    assert_eq!(asked.requests["q2"]["params"]["message"], "two");
    running.stop();
}

#[tokio::test]
async fn a_question_that_comes_while_the_client_is_away_is_the_next() {
    for over in ALL {
        let (running, journal) = start(over);
        let client = client(&running);
        let first = asked(&client, "late", "{}").await;
        assert_eq!(first.message(), "one", "{over:?}");
        std::fs::write(running.file("gate"), "").unwrap();
        // So that it is most likely asked while the client is away; it is the next in any case.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let retry = first.answered("late", "{}", "{}");
        let second = Asked::of(&client.result("tools/call", &retry).await);
        assert_eq!(second.message(), "two", "{over:?}");
        let retry = second.answered("late", "{}", r#"{"b":2.0}"#);
        let result = client.result("tools/call", &retry).await;
        assert_eq!(part(&result, "answer").unwrap(), r#"{"b":2.0}"#);
        assert_eq!(journal.messages("tools/call").len(), 1);
        running.stop();
    }
}

#[tokio::test]
async fn what_is_left_open_is_asked_again() {
    let (running, journal) = start(Over::Stdio);
    let client = client(&running);
    let first = asked(&client, "two", "{}").await;
    let again = Asked::of(
        &client
            .result(
                "tools/call",
                &first.with("two", "{}", r#"{"q1":{"first":1.0},"q9":{}}"#),
            )
            .await,
    );
    assert_eq!(again.requests[again.key()]["method"], "sampling/createMessage");
    // The wrong question, none at all.
    let wrong = Asked::of(
        &client
            .result("tools/call", &again.with("two", "{}", r#"{"q1":{}}"#))
            .await,
    );
    let none = wrong.with("two", "{}", "{}").replace(r#""inputResponses":{},"#, "");
    let none = Asked::of(&client.result("tools/call", &none).await);
    let result = client
        .result("tools/call", &none.answered("two", "{}", r#"{"second":2.0}"#))
        .await;
    assert_eq!(part(&result, "answers").unwrap(), r#"[{"first":1.0},{"second":2.0}]"#);
    assert_eq!(journal.messages("tools/call").len(), 1);
    running.stop();
}

/// The parameters with a `_meta` of these members, if there are any.
fn with_meta(params: &str, members: &str) -> String {
    match members.is_empty() {
        true => params.to_owned(),
        false => format!(r#"{},"_meta":{{{members}}}}}"#, params.strip_suffix('}').unwrap()),
    }
}

/// The parameters with a progress token.
fn with_token(params: &str, token: &str) -> String {
    with_meta(params, &format!(r#""progressToken":{token}"#))
}

#[tokio::test]
async fn one_question_after_the_other_with_what_is_said_between_them() {
    for over in ALL {
        let (running, journal) = start(over);
        let client = client(&running);
        let call = async |params: String| {
            let mut said = client.open("tools/call", &params).await.all().await;
            let last = part(&said.pop().unwrap(), "result").unwrap();
            (said, last)
        };
        let (said, result) = call(with_token(&tool("rounds", "{}"), "\"one\"")).await;
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(
            said[0].contains(r#""progressToken":"one","progress":1"#) || said[0].contains("\"one\""),
            "{said:?}"
        );
        let first = Asked::of(&result);
        assert_eq!(first.message(), "first");
        let retry = first.answered("rounds", "{}", r#"{"is":1.0}"#);
        let (said, result) = call(with_token(&retry, "2")).await;
        assert_eq!(said.len(), 2, "{over:?}: {said:?}");
        assert!(said[0].contains(r#""data":{"is":1.0}"#), "{said:?}");
        assert_eq!(
            part(&part(&said[1], "params").unwrap(), "progressToken").unwrap(),
            "2",
            "progress is told with the token of another request"
        );
        let second = Asked::of(&result);
        assert_eq!((second.message(), second.key().as_str()), (&json!("second"), "q2"));
        // Without a token there is no progress.
        let (said, result) = call(second.answered("rounds", "{}", r#"{"is":2.0}"#)).await;
        assert_eq!(said, [""; 0]);
        assert_eq!(part(&result, "last").unwrap(), r#"{"is":2.0}"#);
        assert_eq!(journal.messages("tools/call").len(), 1);
        running.stop();
    }
}

#[tokio::test]
async fn a_prompt_may_ask_too() {
    let (running, _) = start(Over::Stdio);
    let client = client(&running);
    let get = r#"{"name":"ask"}"#;
    let asked = Asked::of(&client.result("prompts/get", get).await);
    let retry = asked
        .answered("ask", "{}", r#"{"role":"assistant"}"#)
        .replace(r#""arguments":{},"#, "");
    let result = client.result("prompts/get", &retry).await;
    assert_eq!(part(&result, "answer").unwrap(), r#"{"role":"assistant"}"#);
    running.stop();
}

#[tokio::test]
async fn over_the_old_transport_too() {
    let (running, _) = start(Over::Stdio);
    let mut client = SseClient::open(running.port(), "{}").await;
    client.ask("1", "tools/call", &of_modern(&tool("ask", "{}"))).await;
    let asked = Asked::of(&part(&client.next().await.unwrap(), "result").unwrap());
    let retry = of_modern(&asked.answered("ask", "{}", r#"{"yes":1}"#));
    client.ask("2", "tools/call", &retry).await;
    let result = part(&client.next().await.unwrap(), "result").unwrap();
    assert_eq!(part(&result, "answer").unwrap(), r#"{"yes":1}"#);
    running.stop();
}

/// The parameters with the `_meta` of a modern client that can be asked.
fn of_modern(params: &str) -> String {
    let members = format!(
        r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{ASKABLE}"#
    );
    with_meta(params, &members)
}
