//! What the backend says while the client is away.

use std::time::Duration;

use argus_testkit::{Client, part};
use serde_json::json;

use super::hostile::turn_is_free;
use super::{ALL, Asked, Over, asked, client, scripted, with_meta, with_token};
use crate::world::{Running, World, tool};

/// `ended` ends while its client is away, `goes_on` asks once more: both when the file `gate` of the test is there, which
/// `GATE` stands for.
const SCRIPT: &str = r#"{
    "tools/call ended": [
        {"line": "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"quick!\"}}"},
        {"gate": "GATE"},
        {"line": "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"x\"}}"},
        {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 5}},
        {"notify": "notifications/message", "params": {"level":"warning","data":"loud"}},
        {"notify": "notifications/message", "params": {"level":"info","data":"soft"}},
        {"result": {"done":true}}],
    "tools/call goes_on": [
        {"ask": "elicitation/create", "params": {"message":"first"}},
        {"line": "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"elicitation/create\",\"params\":{\"message\":\"second\"}}"},
        {"gate": "GATE"},
        {"notify": "notifications/progress", "params": {"progressToken": "@token", "progress": 5}},
        {"notify": "notifications/message", "params": {"level":"warning","data":"loud"}},
        {"notify": "notifications/message", "params": {"level":"info","data":"soft"}},
        {"ask": "elicitation/create", "params": {"message":"third"}},
        {"result": {"done":true}}],
    "tools/call hello": [{"result": {}}]
}"#;

fn start(over: Over) -> Running {
    let mut world = World::new();
    let gate = json!(world.file("gate")).to_string();
    scripted(&mut world, over, &SCRIPT.replace("\"GATE\"", &gate));
    world.backend("odd", "max_concurrent_calls", 1);
    world.start()
}

fn close(running: &Running) {
    let _ = std::fs::remove_file(running.file("gate"));
}

fn open(running: &Running) {
    std::fs::write(running.file("gate"), "").unwrap();
}

/// All that a call says, and its result.
async fn call(client: &Client, params: &str) -> (Vec<String>, String) {
    let mut said = client.open("tools/call", params).await.all().await;
    let last = said.pop().unwrap();
    (said, part(&last, "result").unwrap_or(last))
}

/// The data of a log message, or the token of progress.
fn gist(message: &str) -> String {
    let params = part(message, "params").unwrap();
    part(&params, "data")
        .or_else(|| part(&params, "progressToken"))
        .unwrap()
}

const ONLY_LOUD: &str = r#""progressToken":2,"io.modelcontextprotocol/logLevel":"warning""#;

#[tokio::test]
async fn the_end_of_a_call_does_not_swallow_what_was_said_before_it() {
    for over in ALL {
        let running = start(over);
        let client = client(&running);
        for (meta, heard) in [
            (r#""progressToken":2"#, vec!["2", "\"loud\"", "\"soft\""]),
            (ONLY_LOUD, vec!["2", "\"loud\""]),
            ("", vec!["\"loud\"", "\"soft\""]),
        ] {
            close(&running);
            let (_, result) = call(&client, &with_token(&tool("ended", "{}"), "\"one\"")).await;
            let asked = Asked::of(&result);
            open(&running);
            // There is one turn: when it is free, the call has ended.
            turn_is_free(&running).await;
            let (said, result) = call(&client, &with_meta(&asked.answered("ended", "{}", "{}"), meta)).await;
            let gists: Vec<String> = said.iter().map(|message| gist(message)).collect();
            assert_eq!(gists, heard, "{over:?}");
            assert_eq!(part(&result, "done").unwrap(), "true");
            assert_eq!(part(&result, "resultType").unwrap(), r#""complete""#);
        }
        running.stop();
    }
}

#[tokio::test]
async fn the_client_that_is_back_decides_what_it_hears() {
    for over in ALL {
        let running = start(over);
        let client = client(&running);
        for (before, meta, heard) in [
            // Neither the token nor the level of an earlier round counts.
            ("", r#""progressToken":2"#, vec!["2", "\"loud\"", "\"soft\""]),
            (r#""progressToken":7"#, "", vec!["\"loud\"", "\"soft\""]),
            ("", ONLY_LOUD, vec!["2", "\"loud\""]),
            (ONLY_LOUD, r#""progressToken":3"#, vec!["3", "\"loud\"", "\"soft\""]),
        ] {
            close(&running);
            let (_, result) = call(&client, &with_token(&tool("goes_on", "{}"), "\"one\"")).await;
            let first = Asked::of(&result);
            let (_, result) = call(&client, &with_meta(&first.answered("goes_on", "{}", "{}"), before)).await;
            let second = Asked::of(&result);
            assert_eq!(second.message(), "second");
            open(&running);
            // So that all is most likely said while the client is away.
            tokio::time::sleep(Duration::from_millis(500)).await;
            let (said, result) = call(&client, &with_meta(&second.answered("goes_on", "{}", "{}"), meta)).await;
            let gists: Vec<String> = said.iter().map(|message| gist(message)).collect();
            assert_eq!(gists, heard, "{over:?}: {before} {meta}");
            let third = Asked::of(&result);
            assert_eq!(third.message(), "third");
            call(&client, &third.answered("goes_on", "{}", "{}")).await;
        }
        asked(&client, "goes_on", "{}").await;
        running.stop();
    }
}
