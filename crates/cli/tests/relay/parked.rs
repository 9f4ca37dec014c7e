//! Modern clients at legacy backends that ask in the midst of a call: the call waits for the client's answers.

use std::time::Duration;

use argus_testkit::{Client, Journal, is_gone, part, until};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::world::{Running, World, message, tool};

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
    "tools/call roots": [{"ask": "roots/list"}, {"result": {"answer":"@answer"}}],
    "tools/call url": [{"ask": "elicitation/create", "params": {"mode":"url","url":"x://y"}}, {"result": {"answer":"@answer"}}],
    "tools/call impatient": [
        {"ask": "elicitation/create", "params": {"message":"quick!"}, "within": 300}, {"result": {"answer":"@answer"}}],
    "tools/call aside": [
        {"ask_aside": "elicitation/create", "params": {"message":"aside"}}, {"sleep": 300}, {"result": {"done":true}}],
    "tools/call who": [{"result": {"pid":"@pid"}}],
    "initialize": [{"result": {"protocolVersion":"2025-11-25","capabilities":{"tools":{},"prompts":{}},"serverInfo":{"name":"odd","version":"1"}}}]
}"#;

const SCRIPT_OF_URL: &str = r#"{
    "tools/call url": [{"turn": true}, {"error": {"code":-32042,"message":"first","data":{"elicitations":[{"elicitationId":"e","url":"https://x.example/","message":"go"}]}}}],
    "tools/call url#1": [{"result": {"params":"@params"}}]
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
    let script = world.script("odd", SCRIPT);
    let arguments = ["verbatim", "--script", &script];
    let journal = match over {
        Over::Stdio => world.stdio("odd", &arguments),
        Over::Http => world.http("odd", &arguments),
        Over::Sse => world.sse("odd", &arguments),
    };
    (world, journal)
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

#[tokio::test]
async fn two_questions_at_once_are_put_at_once() {
    for over in ALL {
        let (running, journal) = start(over);
        let client = client(&running);
        let asked = asked(&client, "two", "{}").await;
        assert_eq!(asked.requests["q1"]["method"], "elicitation/create");
        assert_eq!(asked.requests["q2"]["method"], "sampling/createMessage");
        let retry = asked.with("two", "{}", r#"{"q2":{"second":2.0},"q1":{"first":1.0}}"#);
        let result = client.result("tools/call", &retry).await;
        assert_eq!(part(&result, "answers").unwrap(), r#"[{"first":1.0},{"second":2.0}]"#);
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

/// The parameters with a progress token.
fn with_token(params: &str, token: &str) -> String {
    format!(
        r#"{},"_meta":{{"progressToken":{token}}}}}"#,
        params.strip_suffix('}').unwrap()
    )
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

/// What is wrong with a state, as the client is told.
async fn refusal(client: &Client, method: &str, params: &str) -> String {
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

#[tokio::test]
async fn what_is_asked_aside_belongs_to_the_only_call_of_the_link() {
    for over in ALL {
        let (running, _) = start(over);
        let client = client(&running);
        // The GET stream of a session over HTTP may open after its first call.
        client.result("tools/call", &tool("who", "{}")).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let asked = asked(&client, "aside", "{}").await;
        assert_eq!(asked.message(), "aside", "{over:?}");
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
            world.backend("odd", "max_processes", 12);
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

/// The status and the code of an error.
async fn error_of(client: &Client, name: &str) -> (u16, String) {
    let exchange = client.open("tools/call", &tool(name, "{}")).await;
    let status = exchange.status;
    (
        status,
        part(&part(&exchange.answer().await, "error").unwrap(), "code").unwrap(),
    )
}

#[tokio::test]
async fn errors_of_a_process_have_their_status() {
    let mut world = World::new();
    let errors: Vec<String> = [-32601, -32602, -32021, -32000, -32042]
        .iter()
        .map(|code| format!(r#""tools/call {code}": [{{"error": {{"code":{code},"message":"x"}}}}]"#))
        .collect();
    let script = world.script("odd", &format!("{{{}}}", errors.join(",")));
    world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let client = Client::modern(running.port(), "{}");
    for (name, status, code) in [
        ("-32601", 404, "-32601"),
        ("-32602", 200, "-32602"),
        ("-32021", 400, "-32021"),
        ("-32000", 200, "-32000"),
        ("-32042", 200, "-32603"),
    ] {
        assert_eq!(error_of(&client, name).await, (status, code.to_owned()), "{name}");
    }
    running.stop();
}

#[tokio::test]
async fn a_url_that_is_to_be_opened_first_is_brought_to_the_client() {
    let mut world = World::new();
    let script = world.script("odd", SCRIPT_OF_URL);
    world.stdio("odd", &["verbatim", "--script", &script]);
    let running = world.start();
    let forms = client(&running);
    let cannot = forms.open("tools/call", &tool("url", "{}")).await;
    assert_eq!(cannot.status, 400);
    let error = part(&cannot.answer().await, "error").unwrap();
    assert!(
        error.contains("-32021") && error.contains(r#""requiredCapabilities":{"elicitation":{"url":{}}}"#),
        "{error}"
    );
    running.stop();
    for (answer, goes_on) in [(r#"{"action":"accept"}"#, true), (r#"{"action":"decline"}"#, false)] {
        let mut world = World::new();
        let script = world.script("odd", SCRIPT_OF_URL);
        let journal = world.stdio("odd", &["verbatim", "--script", &script]);
        let running = world.start();
        let opens = Client::modern(running.port(), r#"{"elicitation":{"url":{}}}"#);
        let asked = asked(&opens, "url", "{}").await;
        let params = &asked.requests["q1"]["params"];
        assert_eq!(
            (&params["mode"], &params["url"]),
            (&json!("url"), &json!("https://x.example/"))
        );
        let foreign = asked.answered("url", r#"{"other":1}"#, answer);
        assert!(refusal(&opens, "tools/call", &foreign).await.contains("not made here"));
        let retried = opens.call("tools/call", &asked.answered("url", "{}", answer)).await;
        assert_eq!(part(&retried, "result").is_some(), goes_on, "{retried}");
        assert!(
            !retried.contains("inputResponses") && !retried.contains("requestState"),
            "{retried}"
        );
        assert_eq!(journal.messages("tools/call").len(), 1 + usize::from(goes_on));
        running.stop();
    }
}

#[tokio::test]
async fn over_the_old_transport_too() {
    use argus_testkit::SseClient;
    let (running, _) = start(Over::Stdio);
    let mut client = SseClient::open(running.port(), "{}").await;
    let meta = format!(
        r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{ASKABLE}}}"#
    );
    let modern = |params: String| format!("{},{meta}}}", params.strip_suffix('}').unwrap());
    client.ask("1", "tools/call", &modern(tool("ask", "{}"))).await;
    let asked = Asked::of(&part(&client.next().await.unwrap(), "result").unwrap());
    let retry = modern(asked.answered("ask", "{}", r#"{"yes":1}"#));
    client.ask("2", "tools/call", &retry).await;
    let result = part(&client.next().await.unwrap(), "result").unwrap();
    assert_eq!(part(&result, "answer").unwrap(), r#"{"yes":1}"#);
    running.stop();
}
