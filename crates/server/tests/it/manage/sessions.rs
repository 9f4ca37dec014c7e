//! `GET /manage/v1/sessions`.

use std::time::Duration;

use argus_server::LocalClient;
use futures::StreamExt;
use serde_json::{Value, json};

use crate::support::{Backend, Served, soon};

async fn sessions(served: &Served) -> Value {
    served.get("/manage/v1/sessions").send().await.message()
}

#[tokio::test]
async fn sessions_of_every_transport() {
    let one = Backend::legacy().tools(&["a", "b"]).resources(&["x://1"]).start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    let session = served.session_of("2025-06-18", json!({})).await;
    let _sse = served.sse_of("2024-11-05", json!({})).await;
    let (local, said) = LocalClient::open(served.gateway.clone());
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "n".repeat(500), "version": "1"},
    }});
    assert!(local.take(hello.to_string().into()).await);
    let mut said = std::pin::pin!(said);
    soon("an answer", said.next()).await.unwrap();
    let whole = served.get("/manage/v1/sessions").send().await;
    assert!(!whole.body.contains(&session.id), "the token is in the answer");
    let mut answered = whole.message();
    let mut ids = Vec::new();
    for one in answered["sessions"].as_array_mut().unwrap() {
        ids.push(one["id"].take().as_str().unwrap().to_owned());
        let (age, idle) = (one["age_seconds"].take(), one["idle_seconds"].take());
        assert!(age.as_f64().unwrap() >= idle.as_f64().unwrap(), "{age} {idle}");
    }
    assert!(
        ids.iter()
            .all(|id| id.len() == 16 && id.bytes().all(|digit| digit.is_ascii_hexdigit())),
        "{ids:?}"
    );
    insta::assert_json_snapshot!(answered);
    // The same session has the same id.
    let again = sessions(&served).await;
    assert_eq!(again["sessions"][0]["id"], ids[0]);
    session.delete().send().await;
    assert_eq!(sessions(&served).await["active_sessions"], 2);
}

#[tokio::test]
async fn a_session_that_nobody_uses_expires() {
    let served = Served::with("server: {session_idle_timeout: 3}").await;
    let session = served.session().await;
    let first = sessions(&served).await["sessions"][0].clone();
    assert_eq!((&first["ttl"], &first["expired"]), (&json!(3), &json!(false)));
    let _stream = session.listen().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let read = sessions(&served).await["sessions"][0].clone();
    assert_eq!(read["idle_seconds"], 0.0, "a stream is open");
    assert!(read["age_seconds"].as_f64().unwrap() >= 0.3);
}

#[tokio::test]
async fn callers_without_a_session_are_counted_apart() {
    let one = Backend::modern()
        .tools(&["t"])
        .result("tools/call", json!({"content": []}))
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    assert_eq!(sessions(&served).await["stateless_callers"], 0);
    // The operator is no client.
    let called = served
        .request(http::Method::POST, "/manage/v1/tools/call")
        .body(r#"{"tool":"t"}"#)
        .send()
        .await;
    assert_eq!(called.status, 200, "{}", called.body);
    assert_eq!(sessions(&served).await["stateless_callers"], 0);
    for _ in 0..2 {
        served.modern("tools/list", json!({})).send().await;
    }
    assert_eq!(
        sessions(&served).await,
        json!({"active_sessions": 0, "sessions": [], "stateless_callers": 1})
    );
}
