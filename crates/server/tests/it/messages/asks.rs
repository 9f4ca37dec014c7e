//! What a backend asks of a client within a call.

use serde_json::{Value, json};

use crate::support::{Backend, Served};

const SAMPLING: &str = "sampling/createMessage";

/// A backend whose tool asks for a sample and gives back the whole answer.
async fn asking() -> (Backend, Served) {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            let asked = json!({"messages": [call.params["arguments"]]});
            let id = format!("q-{}", call.params["arguments"]["of"]);
            let answer = call.ask(&id, SAMPLING, asked).await;
            json!({"answer": answer["result"], "error": answer["error"]})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    (backend, served)
}

#[tokio::test]
async fn a_question_and_its_answer() {
    let (_backend, served) = asking().await;
    let mut client = served.sse_of("2024-11-05", json!({"sampling": {}})).await;
    client
        .ask(json!(1), "tools/call", json!({"name": "t", "arguments": {"n": 1}}))
        .await;
    let ask = client.message().await;
    assert_eq!(
        (&ask["method"], &ask["params"]["messages"]),
        (&json!(SAMPLING), &json!([{"n": 1}]))
    );
    client.answer(&ask["id"], json!({"role": "assistant", "x": 1})).await;
    let answered = client.message().await;
    assert_eq!(
        (&answered["id"], &answered["result"]["answer"]["x"]),
        (&json!(1), &json!(1))
    );
}

#[tokio::test]
async fn each_connection_is_asked_for_its_own_calls_only() {
    let (_backend, served) = asking().await;
    let mut clients = Vec::new();
    for number in 0..3 {
        let client = served.sse_of("2024-11-05", json!({"sampling": {}})).await;
        client
            .ask(
                json!(1),
                "tools/call",
                json!({"name": "t", "arguments": {"of": number}}),
            )
            .await;
        clients.push(client);
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let ask: Value = client.message().await;
        assert_eq!(ask["params"]["messages"], json!([{"of": number}]));
        client.answer(&ask["id"], json!({"from": number})).await;
        assert_eq!(client.message().await["result"]["answer"], json!({"from": number}));
    }
}

#[tokio::test]
async fn a_client_that_declared_nothing_is_not_asked() {
    let (backend, served) = asking().await;
    let client = served.sse_of("2024-11-05", json!({})).await;
    client.ask(json!(1), "tools/call", json!({"name": "t"})).await;
    let theirs = backend.first("tools/call").await.headers["mcp-session-id"].clone();
    let number: usize = theirs.to_str().unwrap().rsplit('-').next().unwrap().parse().unwrap();
    let introduced = backend.seen("initialize")[number - 1].message["params"].clone();
    assert_eq!(introduced["capabilities"], json!({}));
}
