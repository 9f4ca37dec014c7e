//! Filters: what is hidden cannot be listed, called, read, subscribed to or completed.

use serde_json::json;

use super::{echoing, library};
use crate::support::Served;

#[tokio::test]
async fn tools() {
    let one = echoing("one").tools(&["get_a", "get_b", "set_a"]).start().await;
    let filter = ", filters: {tools: {allow: [\"get_*\"], deny: [\"*_b\"]}}";
    let served = Served::backends(&[one.yaml("one", filter)]).await;
    let session = served.session().await;
    assert_eq!(session.names("tools/list").await, ["get_a"]);
    assert_eq!(session.tool("get_a").await.result()["name"], "get_a");
    for hidden in ["get_b", "set_a"] {
        assert_eq!(session.tool(hidden).await.code(), -32602, "{hidden}");
        assert_eq!(
            served.modern("tools/call", json!({"name": hidden})).send().await.code(),
            -32602
        );
    }
    assert_eq!(one.seen("tools/call").len(), 1);
}

#[tokio::test]
async fn tools_are_filtered_by_their_own_name() {
    let one = echoing("one").tools(&["x"]).start().await;
    let extra = ", filters: {tools: {deny: [better]}}, tool_overrides: {x: {name: better}}";
    let served = Served::backends(&[one.yaml("one", extra)]).await;
    assert_eq!(served.session().await.names("tools/list").await, ["better"]);
}

#[tokio::test]
async fn a_hidden_tool_takes_no_name() {
    let one = echoing("one").tools(&["x"]).start().await;
    let two = echoing("two").tools(&["x"]).start().await;
    let served = Served::backends(&[one.yaml("one", ", filters: {tools: {deny: [x]}}"), two.yaml("two", "")]).await;
    let session = served.session().await;
    assert_eq!(session.names("tools/list").await, ["x"]);
    assert_eq!(session.tool("x").await.result()["by"], "two");
}

#[tokio::test]
async fn prompts() {
    let one = echoing("one").prompts(&["open", "secret"]).start().await;
    let served = Served::backends(&[one.yaml("one", ", filters: {prompts: {deny: [secret]}}")]).await;
    let session = served.session().await;
    assert_eq!(session.names("prompts/list").await, ["open"]);
    assert_eq!(
        session.call("prompts/get", json!({"name": "secret"})).await.code(),
        -32602
    );
    let completion = json!({"ref": {"type": "ref/prompt", "name": "secret"}, "argument": {"name": "a", "value": ""}});
    assert_eq!(session.call("completion/complete", completion).await.code(), -32602);
    assert!(one.seen("prompts/get").is_empty() && one.seen("completion/complete").is_empty());
}

/// A backend that would read anything, with a filter.
async fn filtered(filter: &str) -> (crate::support::Backend, Served) {
    let one = library("one", &["x://open/1", "x://secret/1", "x://secret/2"])
        .resources(&["x://open/1", "x://secret/1"])
        .templates(&["x://{kind}/{id}"])
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", filter)]).await;
    (one, served)
}

#[tokio::test]
async fn resources_that_are_denied() {
    let (one, served) = filtered(", filters: {resources: {deny: [\"x://secret/*\"]}}").await;
    let session = served.session().await;
    assert_eq!(session.names("resources/list").await, ["x://open/1"]);
    assert_eq!(
        session
            .call("resources/read", json!({"uri": "x://open/1"}))
            .await
            .result()["by"],
        "one"
    );
    for uri in ["x://secret/1", "x://secret/2"] {
        let uri = json!({"uri": uri});
        assert_eq!(
            session.call("resources/read", uri.clone()).await.code(),
            -32002,
            "{uri}"
        );
        assert_eq!(
            session.call("resources/subscribe", uri.clone()).await.code(),
            -32002,
            "{uri}"
        );
        assert_eq!(
            served.modern("resources/read", uri.clone()).send().await.code(),
            -32602,
            "{uri}"
        );
    }
    assert_eq!(one.seen("resources/read").len(), 1);
    assert!(one.seen("resources/subscribe").is_empty());
}

#[tokio::test]
async fn resources_that_are_not_allowed() {
    let (one, served) = filtered(", filters: {resources: {allow: [\"x://open/*\"]}}").await;
    let session = served.session().await;
    assert_eq!(session.names("resources/list").await, ["x://open/1"]);
    assert!(session.names("resources/templates/list").await.is_empty());
    assert_eq!(
        session
            .call("resources/read", json!({"uri": "x://secret/1"}))
            .await
            .code(),
        -32002
    );
    assert!(one.seen("resources/read").is_empty());
}

#[tokio::test]
async fn a_denied_template_hides_nothing_else() {
    let (_one, served) = filtered(", filters: {resources: {deny: [\"x://[{]kind[}]*\"]}}").await;
    let session = served.session().await;
    assert!(session.names("resources/templates/list").await.is_empty());
    assert_eq!(
        session
            .call("resources/read", json!({"uri": "x://secret/1"}))
            .await
            .result()["by"],
        "one"
    );
}
