//! `GET /manage/v1/openapi.json`.

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
