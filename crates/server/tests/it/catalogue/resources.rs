//! Where a URI leads: the backend that lists it, then templates, then whoever has resources.

use serde_json::{Value, json};

use super::library;
use crate::support::{Served, Session};

async fn read(session: &Session, uri: &str) -> Value {
    session.call("resources/read", json!({"uri": uri})).await.result()["by"].clone()
}

#[tokio::test]
async fn a_listed_uri_leads_to_the_first_that_lists_it() {
    let uris = &["x://both", "x://two"];
    let one = library("one", uris).resources(&["x://both"]).start().await;
    let two = library("two", uris).resources(&["x://both", "x://two"]).start().await;
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let session = served.session().await;
    assert_eq!(session.names("resources/list").await, ["x://both", "x://two"]);
    assert_eq!(read(&session, "x://both").await, "one");
    assert_eq!(read(&session, "x://two").await, "two");
    assert_eq!(one.seen("resources/read").len(), 1);
}

#[tokio::test]
async fn a_listed_uri_comes_before_a_template_and_that_before_anybody() {
    let uris = &["x://a/1", "x://a/2", "y://1"];
    let one = library("one", uris).start().await;
    let two = library("two", uris).templates(&["x://a/{id}"]).start().await;
    let three = library("three", uris).resources(&["x://a/1"]).start().await;
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", ""), three.yaml("three", "")]).await;
    let session = served.session().await;
    assert_eq!(read(&session, "x://a/1").await, "three");
    assert_eq!(read(&session, "x://a/2").await, "two");
    assert_eq!(read(&session, "y://1").await, "one");
}

#[tokio::test]
async fn nobody_in_particular_means_everybody_in_order() {
    let one = library("one", &[]).start().await;
    let none = library("none", &["y://1"])
        .capabilities(json!({"tools": {}}))
        .start()
        .await;
    let two = library("two", &["y://1"]).start().await;
    let three = library("three", &["y://1"]).start().await;
    let lines = [
        one.yaml("one", ""),
        none.yaml("none", ""),
        two.yaml("two", ""),
        three.yaml("three", ""),
    ];
    let served = Served::backends(&lines).await;
    let session = served.session().await;
    assert_eq!(read(&session, "y://1").await, "two");
    assert_eq!(one.seen("resources/read").len(), 1);
    assert!(none.seen("resources/read").is_empty() && three.seen("resources/read").is_empty());
    assert_eq!(
        session.call("resources/read", json!({"uri": "y://2"})).await.code(),
        -32002
    );
}

#[tokio::test]
async fn uris_are_never_prefixed() {
    let one = library("one", &["x://1"])
        .resources(&["x://1"])
        .templates(&["x://{a}"])
        .start()
        .await;
    let config = format!(
        "conflict_resolution: {{strategy: prefix}}\nbackends:\n{}",
        one.yaml("one", "")
    );
    let served = Served::with(&config).await;
    let session = served.session().await;
    assert_eq!(session.names("resources/list").await, ["x://1"]);
    assert_eq!(session.names("resources/templates/list").await, ["x://{a}"]);
    assert_eq!(read(&session, "x://1").await, "one");
}

#[tokio::test]
async fn an_unknown_resource() {
    let served = Served::alone().await;
    let session = served.session().await;
    insta::assert_snapshot!(session.call("resources/read", json!({"uri": "x://1"})).await.shown());
}
