//! A modern-only backend needs input for the call of a legacy client: the client is asked on the stream of its call, and
//! the call is made again with the answers.

use std::time::Duration;

use argus_testkit::{Client, Exchange, Journal, SseClient, part};
use serde_json::json;

use crate::world::{Running, World, message, tool};

const ALL: &str = r#"{"elicitation":{},"sampling":{},"roots":{"listChanged":true}}"#;
const FORM: &str =
    r#"{"method":"elicitation/create","params":{"message":"who?","requestedSchema":{"type":"object","n":1.0}}}"#;
const SAMPLE: &str =
    r#"{"method":"sampling/createMessage","params":{"messages":[{"role":"user","content":{"n":1.0}}],"maxTokens":5}}"#;
const ROOTS: &str = r#"{"method":"roots/list"}"#;

/// An `input_required` with these questions and this state.
fn needs(questions: &[(&str, &str)], state: Option<&str>) -> String {
    let questions: Vec<String> = questions
        .iter()
        .map(|(key, question)| format!(r#"{key}:{question}"#))
        .collect();
    let questions = match questions.is_empty() {
        true => String::new(),
        false => format!(r#","inputRequests":{{{}}}"#, questions.join(",")),
    };
    let state = state.map_or(String::new(), |state| format!(r#","requestState":{state}"#));
    format!(r#"{{"resultType":"input_required"{questions}{state}}}"#)
}

/// A script whose tool `ask` needs these things, one after the other, before it answers with its parameters.
fn script_of(rounds: &[String]) -> String {
    let mut steps: Vec<String> = rounds
        .iter()
        .enumerate()
        .map(|(at, needed)| {
            let mark = if at == 0 { String::new() } else { format!("#{at}") };
            format!(r#""tools/call ask{mark}": [{{"turn": true}}, {{"result": {needed}}}]"#)
        })
        .collect();
    steps.push(format!(
        r#""tools/call ask#{}": [{{"result": {{"resultType":"complete","got":"@params"}}}}]"#,
        rounds.len()
    ));
    steps.push(r#""tools/call hello": [{"result": {"resultType":"complete"}}]"#.to_owned());
    format!("{{{}}}", steps.join(","))
}

fn world(kind: &str, script: &str) -> (World, Journal) {
    let mut world = World::new();
    let script = world.script("odd", script);
    let arguments = ["verbatim", "--script", &script, "--era", "modern"];
    let journal = match kind {
        "stdio" => world.stdio("odd", &arguments),
        "http" => world.http("odd", &arguments),
        _ => world.sse("odd", &arguments),
    };
    (world, journal)
}

async fn client(running: &Running) -> Client {
    Client::legacy(running.port(), ALL).await
}

/// Answers a question; `answer` is `"result":...` or `"error":...`.
async fn answer(client: &Client, question: &str, answer: &str) {
    let id = part(question, "id").unwrap();
    let taken = client.send(&format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#)).await;
    assert_eq!(taken, 202);
}

/// The next question of a call, of this method.
async fn question(exchange: &mut Exchange, method: &str) -> String {
    let question = exchange.next().await.unwrap();
    assert_eq!(
        part(&question, "method").unwrap(),
        format!("\"{method}\""),
        "{question}"
    );
    question
}

#[tokio::test]
async fn each_kind_of_question_reaches_the_client_and_its_answer_the_backend() {
    let state = r#""a\u00e9\/ 1.0""#;
    for kind in ["stdio", "http", "sse"] {
        for (asked, given) in [
            (FORM, r#"{"action":"accept", "content":{"name":"\u00e9","n":1.0}}"#),
            (
                SAMPLE,
                r#"{"role":"assistant","content":{"type":"text","text":"hi"},"model":"m"}"#,
            ),
            (ROOTS, r#"{"roots":[{"uri":"file:///x"}]}"#),
        ] {
            let (world, journal) = world(kind, &script_of(&[needs(&[(r#""k\"1""#, asked)], Some(state))]));
            let running = world.start();
            let client = client(&running).await;
            let call = r#"{"name":"ask","arguments":{"n":1.0},"_meta":{"x":1.0}}"#;
            let mut exchange = client.open("tools/call", call).await;
            let method: String = serde_json::from_str(&part(asked, "method").unwrap()).unwrap();
            let asks = question(&mut exchange, &method).await;
            assert_eq!(part(&asks, "params"), part(asked, "params"), "{kind}: {asks}");
            answer(&client, &asks, &format!(r#""result":{given}"#)).await;
            let result = part(&exchange.answer().await, "result").unwrap();
            let got = part(&result, "got").unwrap();
            assert_eq!(part(&got, "inputResponses").unwrap(), format!(r#"{{"k\"1":{given}}}"#));
            assert_eq!(part(&got, "requestState").unwrap(), state, "{kind}");
            assert_eq!(part(&got, "arguments").unwrap(), r#"{"n":1.0}"#);
            assert_eq!(part(&part(&got, "_meta").unwrap(), "x").unwrap(), "1.0");
            let calls = journal.messages("tools/call");
            assert_eq!(calls.len(), 2);
            assert_ne!(part(&calls[0].text, "id"), part(&calls[1].text, "id"), "a new id");
            running.stop();
        }
    }
}

#[tokio::test]
async fn several_questions_at_once_in_any_order_of_answers() {
    let questions = [(r#""a""#, FORM), (r#""b""#, SAMPLE), (r#""c""#, ROOTS)];
    let (world, _) = world("http", &script_of(&[needs(&questions, None)]));
    let running = world.start();
    let client = client(&running).await;
    let mut exchange = client.open("tools/call", &tool("ask", "{}")).await;
    let form = question(&mut exchange, "elicitation/create").await;
    let sample = question(&mut exchange, "sampling/createMessage").await;
    let roots = question(&mut exchange, "roots/list").await;
    for (asked, given) in [(&roots, 3), (&form, 1), (&sample, 2)] {
        answer(&client, asked, &format!(r#""result":{{"n":{given}}}"#)).await;
    }
    let got = part(&part(&exchange.answer().await, "result").unwrap(), "got").unwrap();
    assert_eq!(
        part(&got, "inputResponses").unwrap(),
        r#"{"a":{"n":1},"b":{"n":2},"c":{"n":3}}"#
    );
    assert_eq!(part(&got, "requestState"), None, "the backend gave none");
    running.stop();
}

#[tokio::test]
async fn two_rounds_and_one_without_a_question() {
    let rounds = [
        needs(&[(r#""first""#, FORM)], Some(r#""one""#)),
        needs(&[], Some(r#""two""#)),
        needs(&[(r#""last""#, SAMPLE)], Some(r#""three""#)),
    ];
    let (world, journal) = world("stdio", &script_of(&rounds));
    let running = world.start();
    let client = client(&running).await;
    let mut exchange = client.open("tools/call", &tool("ask", "{}")).await;
    let first = question(&mut exchange, "elicitation/create").await;
    answer(&client, &first, r#""result":{"action":"decline"}"#).await;
    let last = question(&mut exchange, "sampling/createMessage").await;
    assert_ne!(part(&first, "id"), part(&last, "id"));
    answer(&client, &last, r#""result":{"n":2}"#).await;
    let got = part(&part(&exchange.answer().await, "result").unwrap(), "got").unwrap();
    assert_eq!(part(&got, "inputResponses").unwrap(), r#"{"last":{"n":2}}"#);
    let sent: Vec<_> = journal
        .messages("tools/call")
        .iter()
        .map(|call| {
            let params = call.params().unwrap();
            (part(&params, "requestState"), part(&params, "inputResponses"))
        })
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        sent,
        [
            (None, None),
            // A user who declines has answered.
            (text(r#""one""#), text(r#"{"first":{"action":"decline"}}"#)),
            (text(r#""two""#), None),
            (text(r#""three""#), text(r#"{"last":{"n":2}}"#)),
        ]
    );
    running.stop();
}

#[tokio::test]
async fn a_backend_that_asks_without_end_is_not_called_without_end() {
    let script = format!(
        r#"{{"tools/call ask": [{{"result": {}}}], "tools/call hello": [{{"result": {{}}}}]}}"#,
        needs(&[(r#""k""#, ROOTS)], Some(r#""s""#))
    );
    let (world, journal) = world("http", &script);
    let running = world.start();
    let client = client(&running).await;
    let mut exchange = client.open("tools/call", &tool("ask", "{}")).await;
    for _ in 0..10 {
        let asked = question(&mut exchange, "roots/list").await;
        answer(&client, &asked, r#""result":{"roots":[]}"#).await;
    }
    let error = part(&exchange.answer().await, "error").expect("an eleventh question");
    assert_eq!(part(&error, "code").unwrap(), "-32603");
    assert!(message(&error).contains("again and again"), "{error}");
    assert_eq!(journal.messages("tools/call").len(), 11);
    client.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn an_error_of_the_client_ends_the_call_and_withdraws_the_other_questions() {
    let questions = [(r#""a""#, FORM), (r#""b""#, SAMPLE)];
    let (world, journal) = world("http", &script_of(&[needs(&questions, None)]));
    let running = world.start();
    let client = client(&running).await;
    let mut exchange = client.open("tools/call", &tool("ask", "{}")).await;
    let form = question(&mut exchange, "elicitation/create").await;
    let sample = question(&mut exchange, "sampling/createMessage").await;
    answer(&client, &sample, r#""error":{"code":-1,"message":"the user said no"}"#).await;
    let withdrawn = question(&mut exchange, "notifications/cancelled").await;
    assert_eq!(
        part(&part(&withdrawn, "params").unwrap(), "requestId"),
        part(&form, "id"),
        "{withdrawn}"
    );
    let error = part(&exchange.answer().await, "error").unwrap();
    assert_eq!(part(&error, "code").unwrap(), "-1");
    assert!(message(&error).contains("the user said no"), "{error}");
    assert_eq!(journal.messages("tools/call").len(), 1, "it was called again");
    running.stop();
}

#[tokio::test]
async fn the_time_stands_still_while_a_question_is_with_the_client_and_a_cancel_ends_all() {
    let (mut world, journal) = world("http", &script_of(&[needs(&[(r#""k""#, FORM)], None)]));
    world.backend("odd", "timeouts", json!({"call": 2.5}));
    world.backend("odd", "max_concurrent_calls", 1);
    let running = world.start();
    let client = client(&running).await;
    let mut exchange = client.open("tools/call", &tool("ask", "{}")).await;
    let asked = question(&mut exchange, "elicitation/create").await;
    let early = exchange.next_within(Duration::from_millis(3500)).await;
    assert_eq!(early, None, "the call ended while its question was open");
    // The first request of this client was `initialize`.
    client
        .send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#)
        .await;
    assert_eq!(exchange.next().await, None, "a cancelled request has no answer");
    // An answer that comes too late does nothing; the turn at the backend is free again.
    answer(&client, &asked, r#""result":{"action":"accept"}"#).await;
    client.result("tools/call", &tool("hello", "{}")).await;
    assert_eq!(journal.messages("tools/call").len(), 2, "ask and hello");
    running.stop();
}

#[tokio::test]
async fn a_client_that_leaves_with_a_question_leaves_nothing_behind() {
    let (mut world, journal) = world("stdio", &script_of(&[needs(&[(r#""k""#, FORM)], None)]));
    world.backend("odd", "max_concurrent_calls", 1);
    let running = world.start();
    let (leaving, staying) = (client(&running).await, client(&running).await);
    let mut exchange = leaving.open("tools/call", &tool("ask", "{}")).await;
    question(&mut exchange, "elicitation/create").await;
    drop(exchange);
    assert_eq!(leaving.end().await, 204);
    staying.result("tools/call", &tool("hello", "{}")).await;
    assert_eq!(journal.messages("tools/call").len(), 2, "ask and hello");
    running.stop();
}

#[tokio::test]
async fn a_call_whose_stream_broke_goes_on_with_the_answer() {
    let (world, journal) = world("http", &script_of(&[needs(&[(r#""k""#, FORM)], None)]));
    let running = world.start();
    let client = client(&running).await;
    let mut exchange = client.open("tools/call", &tool("ask", "{}")).await;
    let asked = question(&mut exchange, "elicitation/create").await;
    drop(exchange);
    answer(&client, &asked, r#""result":{"action":"cancel"}"#).await;
    let again = journal
        .find(|entry| entry.text.contains(r#"{"k":{"action":"cancel"}}"#))
        .await;
    assert!(again.is_some(), "the call was not made again");
    running.stop();
}

#[tokio::test]
async fn a_client_is_not_asked_for_what_it_did_not_declare() {
    let url = r#"{"method":"elicitation/create","params":{"mode":"url","url":"https://x","message":"?"}}"#;
    for (capabilities, asked, required) in [
        ("{}", FORM, r#"{"elicitation":{"form":{}}}"#),
        (r#"{"elicitation":{}}"#, SAMPLE, r#"{"sampling":{}}"#),
        (r#"{"elicitation":{}}"#, url, r#"{"elicitation":{"url":{}}}"#),
        (r#"{"sampling":{}}"#, ROOTS, r#"{"roots":{}}"#),
    ] {
        let (world, _) = world("http", &script_of(&[needs(&[(r#""k""#, asked)], None)]));
        let running = world.start();
        let client = Client::legacy(running.port(), capabilities).await;
        let mut exchange = client.open("tools/call", &tool("ask", "{}")).await;
        let refused = exchange.next().await.unwrap();
        let error = part(&refused, "error").unwrap_or_else(|| panic!("asked: {refused}"));
        assert_eq!(part(&error, "code").unwrap(), "-32021");
        let data = part(&error, "data").unwrap();
        assert_eq!(part(&data, "requiredCapabilities").unwrap(), required);
        running.stop();
    }
}

#[tokio::test]
async fn a_client_of_2024_is_asked_on_its_stream() {
    let (world, _) = world("http", &script_of(&[needs(&[(r#""k""#, SAMPLE)], Some(r#""s""#))]));
    let running = world.start();
    let mut client = running.sse().await;
    client.ask("1", "tools/call", &tool("ask", "{}")).await;
    let asked = next_of(&mut client, "method").await;
    let id = part(&asked, "id").unwrap();
    client
        .post(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"n":1.0}}}}"#))
        .await;
    let result = part(&next_of(&mut client, "result").await, "result").unwrap();
    let got = part(&result, "got").unwrap();
    assert_eq!(part(&got, "inputResponses").unwrap(), r#"{"k":{"n":1.0}}"#);
    drop(client);
    running.stop();
}

/// The next message with a member.
async fn next_of(client: &mut SseClient, member: &str) -> String {
    loop {
        let message = client.next().await.unwrap();
        if part(&message, member).is_some() {
            return message;
        }
    }
}

#[tokio::test]
async fn prompts_and_resources_may_ask_too() {
    let script = format!(
        r#"{{"server/discover": [{{"result": {{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{{"prompts":{{}},"resources":{{}}}}}}}}],
        "prompts/list": [{{"result": {{"prompts":[{{"name":"p"}}]}}}}],
        "resources/list": [{{"result": {{"resources":[{{"uri":"x://1","name":"x"}}]}}}}],
        "resources/templates/list": [{{"result": {{"resourceTemplates":[]}}}}],
        "prompts/get": [{{"turn": true}}, {{"result": {needed}}}], "prompts/get#1": [{{"result": {{"got":"@params"}}}}],
        "resources/read#1": [{{"turn": true}}, {{"result": {needed}}}], "resources/read#2": [{{"result": {{"got":"@params"}}}}]}}"#,
        needed = needs(&[(r#""k""#, ROOTS)], None)
    );
    let (world, _) = world("http", &script);
    let running = world.start();
    let client = client(&running).await;
    for (method, params) in [
        ("prompts/get", r#"{"name":"p"}"#),
        ("resources/read", r#"{"uri":"x://1"}"#),
    ] {
        let mut exchange = client.open(method, params).await;
        let asked = question(&mut exchange, "roots/list").await;
        answer(&client, &asked, r#""result":{"roots":[]}"#).await;
        let got = part(&part(&exchange.answer().await, "result").unwrap(), "got").unwrap();
        assert_eq!(
            part(&got, "inputResponses").unwrap(),
            r#"{"k":{"roots":[]}}"#,
            "{method}"
        );
    }
    running.stop();
}

#[tokio::test]
async fn the_backend_is_told_what_the_client_declared_and_its_log_level() {
    let (world, journal) = world("http", &script_of(&[]));
    let running = world.start();
    let declared = r#"{"elicitation":{"url":{}},"experimental":{"x":1.0},"tasks":{"list":{}}}"#;
    let client = Client::legacy(running.port(), declared).await;
    client.result("tools/call", &tool("hello", "{}")).await;
    client.result("logging/setLevel", r#"{"level":"error"}"#).await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let told = |at: usize, key: &str| {
        let meta = part(&journal.messages("tools/call")[at].params().unwrap(), "_meta").unwrap();
        part(&meta, &format!("io.modelcontextprotocol/{key}")).unwrap()
    };
    assert_eq!(
        told(0, "clientCapabilities"),
        r#"{"elicitation":{"url":{}},"experimental":{"x":1.0}}"#
    );
    assert_eq!(told(0, "clientInfo"), r#"{"name":"raw","version":"1"}"#);
    assert_eq!(told(0, "protocolVersion"), r#""2026-07-28""#);
    assert_eq!(
        told(0, "logLevel"),
        r#""info""#,
        "as legacy servers do until they are told"
    );
    assert_eq!(told(1, "logLevel"), r#""error""#);
    running.stop();
}
