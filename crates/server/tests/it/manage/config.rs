//! `GET /manage/v1/config`.

use serde_json::Value;

use crate::support::Served;

const YAML: &str = "server:\n  page_size: 7\nbackends:\n  a: {type: streamable-http, url: 'http://127.0.0.1:9/?k=s3cret-one', headers: {X-Key: s3cret-two}}\n  ab: {type: stdio, command: x, args: [--key, s3cret-three], env: {K: s3cret-four}}\n";

async fn config(served: &Served, query: &str) -> Value {
    let mut answered = served.get(&format!("/manage/v1/config{query}")).send().await.message();
    let since = answered["loaded_at"].take();
    assert!(since.as_str().is_some_and(|since| since.ends_with('Z')), "{since}");
    answered
}

fn keys(answered: &Value) -> Vec<&str> {
    let values = answered["values"].as_array().unwrap();
    values.iter().map(|value| value["key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_key_with_its_origin_and_no_secret() {
    let served = Served::with(YAML).await;
    let answered = config(&served, "").await;
    assert!(!answered.to_string().contains("s3cret"), "{answered}");
    insta::assert_json_snapshot!(config(&served, "?key=server").await);
    insta::assert_json_snapshot!(config(&served, "?key=backends.a").await);
}

#[tokio::test]
async fn a_section_is_no_beginning_of_a_word() {
    let served = Served::with(YAML).await;
    let all = config(&served, "").await;
    assert_eq!(config(&served, "?key=").await, all);
    assert_eq!(
        keys(&config(&served, "?key=server.page_size").await),
        ["server.page_size"]
    );
    assert!(
        keys(&config(&served, "?key=backends.a").await)
            .iter()
            .all(|key| key.starts_with("backends.a."))
    );
    assert!(keys(&config(&served, "?key=server.pag").await).is_empty());
    assert!(keys(&all).len() > 80);
}
