//! Tasks on `subscriptions/listen`.

use serde_json::{Value, json};

use super::{EXTENSION, ask, modern};
use crate::support::{Answer, Backend, Draft, Open, Served};

/// Tells of the tasks that it is to tell of, and of another one.
fn telling(draft: Draft) -> Draft {
    draft.on("subscriptions/listen", |call| async move {
        let wanted = call.params["notifications"].clone();
        let marked = |mut params: Value| {
            params["_meta"] = json!({"io.modelcontextprotocol/subscriptionId": call.id});
            params
        };
        call.notify(
            "notifications/subscriptions/acknowledged",
            marked(json!({ "notifications": wanted })),
        );
        call.notify(
            "notifications/tasks",
            marked(json!({"taskId": "foreign", "status": "failed"})),
        );
        for id in wanted["taskIds"].as_array().unwrap() {
            let told = json!({"taskId": id, "status": "completed", "result": {"taskId": id}});
            call.notify("notifications/tasks", marked(told));
        }
        Answer::Silence
    })
}

async fn listening(served: &Served, ids: &[&Value], declared: Value) -> Open {
    let meta = json!({"io.modelcontextprotocol/clientCapabilities": declared});
    let params = json!({"_meta": meta, "notifications": {"taskIds": ids, "toolsListChanged": true}});
    let request = served.modern("subscriptions/listen", params);
    request.open().await
}

async fn begun(served: &Served, tool: &str) -> Value {
    let mut result = ask(served, "tools/call", json!({"name": tool})).await.result();
    result["taskId"].take()
}

#[tokio::test]
async fn reach_the_client_that_follows_them() {
    let (one, two) = (telling(modern("a")).start().await, telling(modern("b")).start().await);
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let (a, b) = (begun(&served, "a").await, begun(&served, "b").await);
    let extension = json!({"extensions": {EXTENSION: {}}});
    let mut stream = listening(&served, &[&b, &json!("forged"), &a], extension).await;
    let granted = &stream.message().await["params"]["notifications"];
    assert_eq!(*granted, json!({"toolsListChanged": true, "taskIds": [b, a]}));
    let mut told = Vec::new();
    for _ in 0..2 {
        let mut message = stream.message().await;
        assert_eq!(message["method"], "notifications/tasks");
        assert_eq!(
            message["params"]["_meta"],
            json!({"io.modelcontextprotocol/subscriptionId": 1})
        );
        assert_eq!(message["params"]["status"], "completed");
        told.push((message["params"]["taskId"].take(), message["params"]["result"].take()));
    }
    assert!(told.contains(&(a, json!({"taskId": "a-1"}))) && told.contains(&(b, json!({"taskId": "b-1"}))));
    let seen = one.first("subscriptions/listen").await.message;
    assert_eq!(seen["params"]["notifications"], json!({"taskIds": ["a-1"]}));
    // Who no longer listens follows nothing.
    drop(stream);
    crate::support::until("the stream at the backend ends", || one.given_up() == 1).await;
}

#[tokio::test]
async fn are_followed_only_by_clients_with_the_extension() {
    let backend = telling(modern("a")).start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let id = begun(&served, "a").await;
    let refused = listening(&served, &[&id], json!({})).await.whole().await;
    assert_eq!(refused.code(), -32021);
    assert!(backend.seen("subscriptions/listen").is_empty());
    // Where nobody has tasks, the member means nothing.
    let other = Backend::modern().tools(&["p"]).start().await;
    let served = Served::backends(&[other.yaml("one", "")]).await;
    let mut stream = listening(&served, &[&id], json!({})).await;
    let granted = &stream.message().await["params"]["notifications"];
    assert_eq!(*granted, json!({"toolsListChanged": true}));
}

#[tokio::test]
async fn a_backend_that_does_not_tell_is_not_waited_for() {
    let backend = modern("a")
        .on("subscriptions/listen", |_| async { Answer::error(-32601, "no") })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let id = begun(&served, "a").await;
    let mut stream = listening(&served, &[&id], json!({"extensions": {EXTENSION: {}}})).await;
    let granted = &stream.message().await["params"]["notifications"];
    assert_eq!(*granted, json!({"toolsListChanged": true}));
}

#[tokio::test]
async fn each_is_named_once_and_not_too_many() {
    let backend = telling(modern("a")).start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let id = begun(&served, "a").await;
    let extension = json!({"extensions": {EXTENSION: {}}});
    let mut stream = listening(&served, &[&id, &id], extension.clone()).await;
    let granted = &stream.message().await["params"]["notifications"];
    assert_eq!(granted["taskIds"], json!([id]));
    let many: Vec<Value> = (0..101).map(|number| number.to_string().into()).collect();
    let many: Vec<&Value> = many.iter().collect();
    assert_eq!(listening(&served, &many, extension).await.whole().await.code(), -32602);
}

#[tokio::test]
async fn a_listener_that_is_one_too_many_follows_nothing() {
    let backend = telling(modern("a")).start().await;
    let yaml = format!("{}\nserver: {{max_sessions_per_caller: 1}}\n", backend.yaml("one", ""));
    let served = Served::backends(&[yaml]).await;
    let id = begun(&served, "a").await;
    let extension = json!({"extensions": {EXTENSION: {}}});
    let mut stream = listening(&served, &[&id], extension.clone()).await;
    stream.message().await;
    let refused = listening(&served, &[&id], extension).await.whole().await;
    assert_eq!(refused.code(), -32603);
    assert_eq!(backend.seen("subscriptions/listen").len(), 1);
}
