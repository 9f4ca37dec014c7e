//! What the gateway declares on behalf of all.

use serde_json::{Value, json};

use crate::support::{Backend, Draft, Served};

async fn in_front_of(drafts: Vec<(&str, Draft)>) -> Served {
    let mut lines = Vec::new();
    for (name, draft) in drafts {
        let backend = draft.start().await;
        lines.push(backend.yaml(name, ""));
    }
    Served::backends(&lines).await
}

async fn initialized(served: &Served) -> Value {
    let body =
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;
    served.post(body).send().await.result()
}

#[tokio::test]
async fn lists_are_always_declared() {
    let served = in_front_of(vec![("one", Backend::legacy().capabilities(json!({})))]).await;
    let changes = json!({"listChanged": true});
    let expected = json!({"tools": changes, "resources": changes, "prompts": changes});
    assert_eq!(initialized(&served).await["capabilities"], expected);
    let discovered = served.modern("server/discover", json!({})).send().await.result();
    assert_eq!(discovered["capabilities"], expected);
}

#[tokio::test]
async fn what_any_backend_can_is_declared() {
    let one = Backend::legacy().capabilities(json!({"logging": {}, "resources": {"subscribe": true}}));
    let two = Backend::modern().capabilities(json!({"completions": {}}));
    let served = in_front_of(vec![("one", one), ("two", two)]).await;
    let declared = initialized(&served).await["capabilities"].clone();
    assert_eq!(
        (&declared["logging"], &declared["completions"]),
        (&json!({}), &json!({}))
    );
    assert_eq!(declared["resources"]["subscribe"], true);
}

#[tokio::test]
async fn experiments_and_extensions_are_united_and_the_first_decides() {
    let one = Backend::legacy().capabilities(json!({"experimental": {"a": {"x": 1.5}, "b": 1}}));
    let two =
        Backend::modern().capabilities(json!({"experimental": {"b": 2, "c": 3}, "extensions": {"e/x": {"y": 1}}}));
    let served = in_front_of(vec![("one", one), ("two", two)]).await;
    let united = json!({"a": {"x": 1.5}, "b": 1, "c": 3});
    assert_eq!(initialized(&served).await["capabilities"]["experimental"], united);
    let modern = served.modern("server/discover", json!({})).send().await.result()["capabilities"].clone();
    assert_eq!(
        (&modern["experimental"], &modern["extensions"]),
        (&united, &json!({"e/x": {"y": 1}}))
    );
}

#[tokio::test]
async fn instructions_of_one_backend_pass() {
    let served = in_front_of(vec![("one", Backend::legacy().instructions("Use t."))]).await;
    assert_eq!(initialized(&served).await["instructions"], "Use t.");
    let modern = served.modern("server/discover", json!({})).send().await.result();
    assert_eq!(modern["instructions"], "Use t.");
}

#[tokio::test]
async fn instructions_of_several_are_joined_under_headings() {
    let one = Backend::legacy().instructions("Use t.");
    let two = Backend::legacy();
    let three = Backend::modern().instructions("Use u.");
    let served = in_front_of(vec![("one", one), ("two", two), ("three", three)]).await;
    assert_eq!(
        initialized(&served).await["instructions"],
        "## one\n\nUse t.\n\n## three\n\nUse u."
    );
}

#[tokio::test]
async fn without_instructions_there_are_none() {
    let served = in_front_of(vec![("one", Backend::legacy())]).await;
    assert_eq!(initialized(&served).await.get("instructions"), None);
}
