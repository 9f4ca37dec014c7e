//! Another configuration in which backends exchange names: at no moment does a name lead nowhere.

use serde_json::{Value, json};

use crate::support::{Backend, Served, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn names_are_exchanged_in_one_step() {
    let backend = || async {
        let draft = Backend::legacy().tools(&["t"]);
        draft.result("tools/call", json!({"content": []})).start().await
    };
    let (one, two) = (backend().await, backend().await);
    let config = |first: &str, second: &str| {
        let named = |name: &str| format!(", tool_overrides: {{t: {{name: {name}}}}}");
        let (one, two) = (one.yaml("one", &named(first)), two.yaml("two", &named(second)));
        format!("conflict_resolution: {{strategy: error}}\nbackends:\n{one}{two}")
    };
    let served = Served::with(&config("a", "b")).await;
    until("ready", || served.gateway.totals().healthy == 2).await;
    let calling = async {
        for name in ["a", "b"].iter().cycle() {
            let call = served.modern("tools/call", json!({"name": name, "arguments": {}}));
            let answered = call.send().await.message();
            assert_eq!(answered["error"], Value::Null, "{name}");
        }
    };
    let exchanging = async {
        for _ in 0..60 {
            served.apply(&config("b", "a")).await;
            served.apply(&config("a", "b")).await;
        }
    };
    tokio::select! {
        () = exchanging => {}
        () = calling => {}
    }
    let told = served.get("/manage/v1/events?limit=1000").send().await.message();
    let conditions = told["events"].as_array().unwrap().iter();
    let conditions: Vec<_> = conditions
        .filter(|event| event["stage"] == "backend_condition")
        .collect();
    assert!(conditions.is_empty(), "{conditions:?}");
}
