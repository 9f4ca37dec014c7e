//! What a backend asks, and what the client answers.

use argus_testkit::part;

use super::backend::all;
use crate::payloads;
use crate::world::tool;

const ASKS: &str = r#"{"tools/call %-ask": [
    {"ask": "elicitation/create", "params": "@arguments"}, {"result": {"got":"@answer"}}]}"#;

#[tokio::test]
async fn questions_and_answers() {
    let (running, backends) = all(ASKS, |way| way.can_speak_first() && !way.is_modern());
    for (way, _) in backends {
        let client = way.client(&running).await;
        for (at, payload) in payloads::in_one_line().into_iter().enumerate() {
            let mut exchange = client.open("tools/call", &tool(&way.tool("ask"), &payload)).await;
            let question = exchange.next().await.unwrap();
            assert_eq!(part(&question, "method").unwrap(), r#""elicitation/create""#);
            assert_eq!(part(&question, "params").unwrap(), payload, "{way:?}");
            let id = part(&question, "id").unwrap();
            // An error is an answer as well.
            let (member, answer) = if at % 2 == 0 {
                ("result", payload.clone())
            } else {
                (
                    "error",
                    format!(r#"{{"code":-1.0,"message":"\u00e9","data":{payload}}}"#),
                )
            };
            let status = client
                .send(&format!(r#"{{"jsonrpc":"2.0","id":{id},"{member}":{answer}}}"#))
                .await;
            assert_eq!(status, 202);
            let result = part(&exchange.answer().await, "result").unwrap();
            assert_eq!(result, format!(r#"{{"got":{answer}}}"#), "{way:?}");
        }
    }
    running.stop();
}
