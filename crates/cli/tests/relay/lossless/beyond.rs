//! Every other method, answers that are no objects, and what is said outside calls.

use argus_testkit::part;
use serde_json::json;

use super::backend::all;
use crate::payloads;
use crate::world::{World, tool};

const CAPABILITIES: &str = r#"{"tools":{},"prompts":{},"resources":{"subscribe":true},"completions":{},"logging":{}}"#;

/// A server that gives back its parameters, whatever it is asked.
fn mirror() -> String {
    format!(
        r#"{{"initialize": [{{"result": {{"protocolVersion":"2025-11-25","capabilities":{CAPABILITIES},"serverInfo":{{"name":"v","version":"1"}}}}}}],
        "resources/list": [{{"result": {{"resources":[{{"uri":"r:1","name":"r"}}]}}}}],
        "resources/templates/list": [{{"result": {{"resourceTemplates":[]}}}}],
        "prompts/list": [{{"result": {{"prompts":[{{"name":"p"}}]}}}}],
        "*": [{{"result": {{"got":"@params"}}}}]}}"#
    )
}

#[tokio::test]
async fn parameters_and_results_of_every_method() {
    for http in [false, true] {
        let mut world = World::new();
        let script = world.script("odd", &mirror());
        let arguments = ["verbatim", "--script", &script];
        if http {
            world.http("odd", &arguments);
        } else {
            world.stdio("odd", &arguments);
        }
        let running = world.start();
        let client = running.askable().await;
        for payload in payloads::in_one_line() {
            for (method, params) in [
                ("prompts/get", format!(r#"{{"name" : "p","arguments":{payload}}}"#)),
                ("resources/read", format!(r#"{{"x":{payload}, "uri":"r:1" }}"#)),
                (
                    "completion/complete",
                    format!(r#"{{"ref":{{"type":"ref/prompt","name":"p"}},"argument":{payload}}}"#),
                ),
                // Only one backend is there, so what nobody knows is its.
                ("vendor/own", payload.clone()),
            ] {
                let result = client.result(method, &params).await;
                assert_eq!(result, format!(r#"{{"got":{params}}}"#), "{method}, http: {http}");
            }
        }
        running.stop();
    }
}

#[tokio::test]
async fn answers_that_are_no_objects() {
    const SCRIPT: &str = r#"{
        "tools/call %-null": [{"result": null}],
        "tools/call %-number": [{"result": 1e5}],
        "tools/call %-text": [{"result": "\u00e9"}],
        "tools/call %-list": [{"result": [ 1.0, {} ]}],
        "tools/call %-error": [{"error": "b\u006fom"}]
    }"#;
    let (running, backends) = all(SCRIPT, |way| !way.is_modern());
    for (way, _) in backends {
        let client = way.client(&running).await;
        for (name, expected) in [
            ("null", "null"),
            ("number", "1e5"),
            ("text", r#""\u00e9""#),
            ("list", "[ 1.0, {} ]"),
        ] {
            let answer = client.call("tools/call", &tool(&way.tool(name), "{}")).await;
            assert!(
                answer.ends_with(&format!(r#","result":{expected}}}"#)),
                "{way:?} {answer}"
            );
        }
        let answer = client.call("tools/call", &tool(&way.tool("error"), "{}")).await;
        assert!(answer.ends_with(r#","error":"b\u006fom"}"#), "{way:?} {answer}");
    }
    running.stop();
}

#[tokio::test]
async fn notifications_outside_calls() {
    for http in [false, true] {
        for payload in payloads::in_one_line() {
            let mut world = World::new();
            let script = format!(
                r#"{{"tools/call tell": [{{"result": {{}}}}, {{"gate": {gate:?}}}, {{"feed": "notifications/vendor/thing", "params": {payload}}}]}}"#,
                gate = world.file("gate"),
            );
            let script = world.script("odd", &script);
            let arguments = ["verbatim", "--script", &script];
            let journal = if http {
                world.http("odd", &arguments)
            } else {
                world.stdio("odd", &arguments)
            };
            let gate = world.file("gate");
            let running = world.start();
            let client = running.askable().await;
            let mut stream = client.listen().await;
            client.result("tools/call", &tool("tell", "{}")).await;
            if http {
                // The stream of this session at the backend; the catalogue has one as well.
                let both = || journal.all("get").len() == 2;
                assert!(argus_testkit::until(std::time::Duration::from_secs(5), both).await);
            }
            std::fs::write(&gate, "").unwrap();
            let told = stream.next().await.unwrap();
            let expected = json!("notifications/vendor/thing").to_string();
            assert_eq!(part(&told, "method").unwrap(), expected);
            assert_eq!(part(&told, "params").unwrap(), payload, "http: {http}");
            drop(stream);
            drop(running);
        }
    }
}
