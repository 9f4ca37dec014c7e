//! Arguments on the way in; results, errors and notifications on the way out.

use argus_testkit::part;

use super::backend::{all, last_call};
use crate::payloads;
use crate::world::tool;

const MIRRORS: &str = r#"{
    "tools/call %-result": [{"result": "@arguments"}],
    "tools/call %-error": [{"error": {"code":-31999,"message":"n\u00f6 \/ é","data":"@arguments","more":1.0}}],
    "tools/call %-log": [
        {"notify": "notifications/message", "params": {"level":"info","data":"@arguments","x":1e5}}, {"result": {}}],
    "tools/call %-progress": [
        {"notify": "notifications/progress", "params": { "progress":1.0,"total":1e1, "progressToken":"@token" ,"message":"\u00e9","x":"@arguments"}},
        {"result": {}}]
}"#;

#[tokio::test]
async fn arguments_and_results() {
    let (running, backends) = all(MIRRORS, |_| true);
    for (way, journal) in backends {
        let client = way.client(&running).await;
        for payload in payloads::in_one_line() {
            let sent = tool(&way.tool("result"), &payload);
            assert_eq!(client.result("tools/call", &sent).await, payload, "{way:?}");
            let arrived = last_call(&journal);
            assert_eq!(part(&arrived, "arguments").unwrap(), payload, "{way:?}");
            if !way.is_modern() {
                assert_eq!(arrived, sent, "{way:?}");
            }
        }
        for payload in payloads::in_many_lines() {
            // A message on stdio is one line: there each line break between tokens becomes a blank.
            let expected = if way.is_stdio() {
                payload.replace('\n', " ")
            } else {
                payload.clone()
            };
            let result = client.result("tools/call", &tool(&way.tool("result"), &payload)).await;
            assert_eq!(result, expected, "{way:?}");
            assert_eq!(part(&last_call(&journal), "arguments").unwrap(), expected, "{way:?}");
        }
    }
    running.stop();
}

/// A body over HTTP may hold any white space; only an event stream and stdio cannot keep it.
#[tokio::test]
async fn carriage_returns_between_json_bodies() {
    const PAYLOAD: &str = "{\r\n  \"a\": 1.0,\r  \"b\": [\r\n]\r\n}";
    let (running, backends) = all(MIRRORS, |way| way.is_json());
    for (way, journal) in backends {
        let client = way.client(&running).await;
        let exchange = client.open("tools/call", &tool(&way.tool("result"), PAYLOAD)).await;
        assert!(!exchange.streams);
        assert_eq!(part(&exchange.answer().await, "result").unwrap(), PAYLOAD, "{way:?}");
        assert_eq!(part(&last_call(&journal), "arguments").unwrap(), PAYLOAD, "{way:?}");
    }
    running.stop();
}

#[tokio::test]
async fn megabytes_both_ways() {
    let (running, backends) = all(MIRRORS, |_| true);
    let payload = format!(r#"{{"n":1.0,"text":"{}"}}"#, r"\u00e9é".repeat(300_000));
    for (way, _) in backends {
        let client = way.client(&running).await;
        let result = client.result("tools/call", &tool(&way.tool("result"), &payload)).await;
        assert!(
            result == payload,
            "{way:?}: {} of {} bytes",
            result.len(),
            payload.len()
        );
    }
    running.stop();
}

#[tokio::test]
async fn parameters_beside_the_arguments() {
    let (running, backends) = all(MIRRORS, |way| !way.is_modern());
    for (way, journal) in backends {
        let client = way.client(&running).await;
        let name = way.tool("result");
        for sent in [
            format!(r#"{{ "task":{{"ttl":1.0}}, "arguments" : {{"a":1.0}} , "name":"{name}" , "_meta":{{"x":1e5}} }}"#),
            format!(r#"{{"n\u0061me":"{}","x":null}}"#, name.replace('-', r"\u002d")),
        ] {
            client.result("tools/call", &sent).await;
            assert_eq!(last_call(&journal), sent, "{way:?}");
        }
    }
    running.stop();
}

#[tokio::test]
async fn errors() {
    let (running, backends) = all(MIRRORS, |_| true);
    for (way, _) in backends {
        let client = way.client(&running).await;
        for payload in payloads::in_one_line() {
            let error = client.error("tools/call", &tool(&way.tool("error"), &payload)).await;
            let expected = format!(r#"{{"code":-31999,"message":"n\u00f6 \/ é","data":{payload},"more":1.0}}"#);
            assert_eq!(error, expected, "{way:?}");
        }
    }
    running.stop();
}

#[tokio::test]
async fn log_messages() {
    let (running, backends) = all(MIRRORS, super::backend::Way::can_speak_first);
    for (way, _) in backends {
        let client = way.client(&running).await;
        for payload in payloads::in_one_line() {
            let exchange = client.open("tools/call", &tool(&way.tool("log"), &payload)).await;
            let messages = exchange.all().await;
            assert_eq!(messages.len(), 2, "{way:?} {messages:?}");
            let expected = format!(r#"{{"level":"info","data":{payload},"x":1e5}}"#);
            assert_eq!(part(&messages[0], "params").unwrap(), expected, "{way:?}");
        }
    }
    running.stop();
}

#[tokio::test]
async fn progress_but_for_the_token() {
    let (running, backends) = all(MIRRORS, super::backend::Way::can_speak_first);
    for (way, journal) in backends {
        let client = way.client(&running).await;
        let name = way.tool("progress");
        for (payload, token) in payloads::in_one_line()
            .iter()
            .zip([r#""t\u00f6k é""#, "7", "12345678901234567890"].iter().cycle())
        {
            let sent = format!(
                r#"{{"name":"{name}","_meta":{{ "a":1.0, "progressToken" : {token}, "b":{payload}}},"arguments":{payload}}}"#
            );
            let messages = client.open("tools/call", &sent).await.all().await;
            assert_eq!(messages.len(), 2, "{way:?} {messages:?}");
            let expected = format!(
                r#"{{ "progress":1.0,"total":1e1, "progressToken":{token} ,"message":"\u00e9","x":{payload}}}"#
            );
            assert_eq!(part(&messages[0], "params").unwrap(), expected, "{way:?}");

            let arrived = last_call(&journal);
            let meta = part(&arrived, "_meta").unwrap();
            let ours = part(&meta, "progressToken").unwrap();
            assert_eq!(
                ours.starts_with('"'),
                token.starts_with('"'),
                "{way:?}: the type of the token is kept"
            );
            let there = format!(r#" "a":1.0, "progressToken" : {ours}, "b":{payload}}}"#);
            assert!(meta.ends_with(&there), "{way:?} {meta}");
        }
    }
    running.stop();
}
