//! Names that are longer than clients take.

use serde_json::json;

use super::echoing;
use crate::support::{Backend, Served};

const BACKEND: &str = "a-backend-with-quite-a-long-name";

#[tokio::test]
async fn a_long_name_is_shortened_and_leads_to_the_original() {
    let long: &'static str = Box::leak("x".repeat(65).into_boxed_str());
    let exact: &'static str = Box::leak("y".repeat(64).into_boxed_str());
    let one = echoing("one").tools(&[long, exact]).prompts(&[long]).start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    let session = served.session().await;
    let short = format!("{}_9537c5fd", "x".repeat(55));
    assert_eq!(session.names("tools/list").await, [short.as_str(), exact]);
    assert_eq!(session.names("prompts/list").await, [short.as_str()]);
    assert_eq!(session.tool(&short).await.result()["name"], long);
    let got = session.call("prompts/get", json!({"name": short})).await.result();
    assert_eq!(got["name"], long);
    assert_eq!(session.tool(long).await.code(), -32602);
}

#[tokio::test]
async fn a_modern_call_names_the_original() {
    let long: &'static str = Box::leak("x".repeat(65).into_boxed_str());
    let one = Backend::modern()
        .tools(&[long])
        .result("tools/call", json!({"resultType": "complete"}))
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    let short = format!("{}_9537c5fd", "x".repeat(55));
    served
        .modern("tools/call", json!({"name": short}))
        .send()
        .await
        .result();
    let seen = one.first("tools/call").await;
    assert_eq!(
        (&seen.headers["mcp-name"], &seen.message["params"]["name"]),
        (&long.parse().unwrap(), &json!(long))
    );
}

#[tokio::test]
async fn the_prefix_counts_and_others_do_not_matter() {
    let tools: &[&str] = &["one-tool-with-a-name-of-forty-characters", "short"];
    let mut seen = Vec::new();
    for first in [&["one-tool-with-a-name-of-forty-characters"][..], &[]] {
        let one = echoing("one").tools(first).start().await;
        let two = echoing("two").tools(tools).start().await;
        let lines = [one.yaml("one", ""), two.yaml(BACKEND, "")].concat();
        let served = Served::with(&format!(
            "conflict_resolution: {{strategy: prefix}}\nbackends:\n{lines}"
        ))
        .await;
        let session = served.session().await;
        let names = session.names("tools/list").await.split_off(first.len());
        assert!(names[0].len() == 64 && names[0].starts_with(BACKEND), "{names:?}");
        assert_eq!(names[1], format!("{BACKEND}_short"));
        let led = session.tool(&names[0]).await.result();
        assert_eq!(led, json!({"by": "two", "name": tools[0]}));
        seen.push(names);
    }
    assert_eq!(seen[0], seen[1]);
}
