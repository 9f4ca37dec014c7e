//! Errors of a legacy backend as a modern client sees them.

use argus_testkit::{Client, part};
use serde_json::json;

use super::states::refusal;
use super::{asked, client};
use crate::world::{World, tool};

const SCRIPT_OF_URL: &str = r#"{
    "tools/call url": [{"turn": true}, {"error": {"code":-32042,"message":"first","data":{"elicitations":[{"elicitationId":"e","url":"https://x.example/","message":"go"}]}}}],
    "tools/call url#1": [{"result": {"params":"@params"}}]
}"#;

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
