//! `GET /manage/v1/openapi.json`.

use serde_json::json;

use crate::support::Served;

/// What is referred to and is not there.
fn dangling(document: &serde_json::Value) -> Vec<String> {
    let text = document.to_string();
    let parts = text.split(r##""$ref":"#"##).skip(1);
    let places = parts.filter_map(|part| Some(part.split_once('"')?.0.to_owned()));
    places.filter(|place| document.pointer(place).is_none()).collect()
}

#[tokio::test]
async fn the_document() {
    let served = Served::alone().await;
    let document = served.get("/manage/v1/openapi.json").send().await.message();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(dangling(&document), Vec::<String>::new());
    insta::assert_json_snapshot!(document);
}

#[tokio::test]
async fn with_a_token_the_document_knows_no_other_way() {
    let token = "d41d8cd98f00b204e9800998ecf8427e";
    let served = Served::with(&format!("server: {{management: {{token: {token}}}}}")).await;
    let document = served.get("/manage/v1/openapi.json");
    let document = document.header("authorization", &format!("Bearer {token}"));
    let document = document.send().await.message();
    assert_eq!(document["security"], json!([{"bearer": []}]));
    // Of those that need none.
    assert_eq!(document["paths"]["/health"]["get"]["security"], json!([{}]));
}

#[tokio::test]
async fn a_stream_is_described_event_by_event() {
    let document = Served::alone().await;
    let document = document.get("/manage/v1/openapi.json").send().await.message();
    let answer = &document["paths"]["/events/stream"]["get"]["responses"]["200"];
    let event = &answer["content"]["text/event-stream"]["schema"]["properties"];
    assert_eq!(event["data"]["contentSchema"]["$ref"], "#/components/schemas/Event");
}
