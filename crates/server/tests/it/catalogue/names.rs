//! Names: bare where possible, prefixed where they collide or everywhere, in the order of the configuration.

use std::time::Duration;

use serde_json::json;

use super::echoing;
use crate::support::{Backend, Served, Session, until};

/// Who answers a tool, and under which name it was called there.
async fn leads_to(session: &Session, tool: &str) -> (String, String) {
    let result = session.tool(tool).await.result();
    let text = |key: &str| result[key].as_str().unwrap().to_owned();
    (text("by"), text("name"))
}

fn route(backend: &str, name: &str) -> (String, String) {
    (backend.to_owned(), name.to_owned())
}

#[tokio::test]
async fn names_stay_bare_where_they_do_not_collide() {
    let one = echoing("one").tools(&["x", "y"]).start().await;
    let two = echoing("two").tools(&["x", "z"]).start().await;
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let session = served.session().await;
    assert_eq!(session.names("tools/list").await, ["x", "y", "two_x", "z"]);
    assert_eq!(leads_to(&session, "x").await, route("one", "x"));
    assert_eq!(leads_to(&session, "two_x").await, route("two", "x"));
    assert_eq!(leads_to(&session, "z").await, route("two", "z"));
    assert_eq!(session.tool("one_x").await.code(), -32602);
}

#[tokio::test]
async fn the_order_of_the_configuration_decides_whoever_connects_first() {
    let slow = echoing("slow").tools(&["x"]);
    let slow = slow.on("initialize", |call| async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        json!({"protocolVersion": call.params["protocolVersion"], "capabilities": {"tools": {}}})
    });
    let (slow, quick) = (slow.start().await, echoing("quick").tools(&["x"]).start().await);
    let lines = [slow.yaml("slow", ""), quick.yaml("quick", "")].concat();
    let served = Served::with(&format!("server: {{startup_wait: 0}}\nbackends:\n{lines}")).await;
    until("the quick one is there", || served.gateway.totals().ready()).await;
    until("both are there", || served.fares() == "healthy").await;
    let session = served.session().await;
    let both = async {
        while session.names("tools/list").await != ["x", "quick_x"] {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    crate::support::soon("both tools", both).await;
    assert_eq!(leads_to(&session, "x").await, route("slow", "x"));
}

#[tokio::test]
async fn prompts_follow_the_same_rule() {
    let one = echoing("one").prompts(&["p"]).start().await;
    let two = echoing("two").prompts(&["p"]).start().await;
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let session = served.session().await;
    assert_eq!(session.names("prompts/list").await, ["p", "two_p"]);
    let got = session.call("prompts/get", json!({"name": "two_p"})).await.result();
    assert_eq!(got, json!({"by": "two", "name": "p"}));
}

#[tokio::test]
async fn prefix_puts_the_backend_in_front_of_every_name() {
    let one = echoing("one").tools(&["x"]).prompts(&["p"]).start().await;
    let two = echoing("two").tools(&["y"]).start().await;
    let lines = [one.yaml("one", ""), two.yaml("two", "")].concat();
    let served = Served::with(&format!(
        "conflict_resolution: {{strategy: prefix, separator: \".\"}}\nbackends:\n{lines}"
    ))
    .await;
    let session = served.session().await;
    assert_eq!(session.names("tools/list").await, ["one.x", "two.y"]);
    assert_eq!(session.names("prompts/list").await, ["one.p"]);
    assert_eq!(leads_to(&session, "one.x").await, route("one", "x"));
    assert_eq!(session.tool("x").await.code(), -32602);
}

#[tokio::test]
async fn the_separator_is_used_in_collisions_too() {
    let one = echoing("one").tools(&["x"]).start().await;
    let two = echoing("two").tools(&["x"]).start().await;
    let lines = [one.yaml("one", ""), two.yaml("two", "")].concat();
    let served = Served::with(&format!(
        "conflict_resolution: {{separator: \"--\"}}\nbackends:\n{lines}"
    ))
    .await;
    assert_eq!(served.session().await.names("tools/list").await, ["x", "two--x"]);
}

#[tokio::test]
async fn overrides_give_new_names_and_descriptions() {
    let one = echoing("one").tools(&["x", "y"]).start().await;
    let overrides = ", tool_overrides: {x: {name: better, description: \"Says more.\"}}";
    let served = Served::backends(&[one.yaml("one", overrides)]).await;
    let session = served.session().await;
    let tools = session.call("tools/list", json!({})).await.result()["tools"].clone();
    let expected = json!({"name": "better", "inputSchema": {"type": "object"}, "description": "Says more."});
    assert_eq!(tools[0], expected);
    assert_eq!(leads_to(&session, "better").await, route("one", "x"));
    assert_eq!(session.tool("x").await.code(), -32602);
}

#[tokio::test]
async fn a_modern_call_under_a_new_name_reaches_the_backend_under_its_own() {
    let one = Backend::modern()
        .tools(&["x"])
        .result("tools/call", json!({"resultType": "complete"}))
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", ", tool_overrides: {x: {name: better}}")]).await;
    served
        .modern("tools/call", json!({"name": "better"}))
        .send()
        .await
        .result();
    let seen = one.first("tools/call").await;
    assert_eq!(
        (&seen.headers["mcp-name"], &seen.message["params"]["name"]),
        (&"x".parse().unwrap(), &json!("x"))
    );
}

#[tokio::test]
async fn completion_names_the_prompt_as_the_backend_does() {
    let completing =
        |draft: crate::support::Draft| draft.result("completion/complete", json!({"completion": {"values": ["v"]}}));
    let one = completing(echoing("one").prompts(&["p"])).start().await;
    let two = completing(echoing("two").prompts(&["p"]).templates(&["x://{a}"]))
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let session = served.session().await;
    let argument = json!({"name": "a", "value": "b"});
    let prompt = json!({"ref": {"type": "ref/prompt", "name": "two_p", "title": "T"}, "argument": argument});
    let got = session.call("completion/complete", prompt).await.result();
    assert_eq!(got, json!({"completion": {"values": ["v"]}}));
    let expected = json!({"ref": {"type": "ref/prompt", "name": "p", "title": "T"}, "argument": argument});
    assert_eq!(two.first("completion/complete").await.message["params"], expected);
    assert!(one.seen("completion/complete").is_empty());
    let template = json!({"ref": {"type": "ref/resource", "uri": "x://{a}"}, "argument": argument});
    session.call("completion/complete", template.clone()).await.result();
    assert_eq!(two.seen("completion/complete")[1].message["params"], template);
    for wrong in [
        json!({}),
        json!({"ref": {"type": "ref/other"}}),
        json!({"ref": {"type": "ref/prompt", "name": "?"}}),
    ] {
        assert_eq!(
            session.call("completion/complete", wrong.clone()).await.code(),
            -32602,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_backend_that_is_away_leaves_a_partial_list() {
    let one = echoing("one").tools(&["x"]).start().await;
    let dead = "  dead: {type: streamable-http, url: \"http://127.0.0.1:1/mcp\"}\n".to_owned();
    let served = Served::backends(&[dead, one.yaml("one", "")]).await;
    assert_eq!(served.session().await.names("tools/list").await, ["x"]);
}
