//! `server/discover` and the lists of modern clients.

use serde_json::{Value, json};

use crate::support::{Backend, Served, names_in};

#[tokio::test]
async fn discover() {
    let served = Served::alone().await;
    insta::assert_snapshot!(served.modern("server/discover", json!({})).send().await.shown());
}

#[tokio::test]
async fn lists_say_that_they_are_complete_and_how_long_they_hold() {
    let backend = Backend::modern()
        .tools(&["t"])
        .prompts(&["p"])
        .resources(&["x://1"])
        .templates(&["x://{a}"])
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    for method in [
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ] {
        let result = served.modern(method, json!({})).send().await.result();
        assert_eq!(names_in(&result).len(), 1, "{method}");
        assert_eq!(
            (&result["resultType"], &result["cacheScope"]),
            (&json!("complete"), &json!("private")),
            "{method}"
        );
        assert_eq!(result["ttlMs"], 0, "{method}");
        assert_eq!(
            result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "argus-mcp",
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_list() {
    let backend = Backend::legacy().tools(&["t"]).start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    insta::assert_snapshot!(served.modern("tools/list", json!({})).send().await.shown());
}

#[tokio::test]
async fn legacy_lists_know_nothing_of_that() {
    let backend = Backend::modern().tools(&["t"]).start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let result = served.session().await.call("tools/list", json!({})).await.result();
    assert_eq!(result.as_object().unwrap().keys().collect::<Vec<_>>(), ["tools"]);
}

#[tokio::test]
async fn discover_finds_out_whether_a_backend_is_modern() {
    let backend = Backend::both()
        .tools(&["t"])
        .result("tools/call", json!({"resultType": "complete"}))
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    served.modern("server/discover", json!({})).send().await;
    served.modern("tools/call", json!({"name": "t"})).send().await;
    let meta: Value = backend.first("tools/call").await.message["params"]["_meta"].clone();
    assert!(meta.get("io.modelcontextprotocol/protocolVersion").is_some());
}
