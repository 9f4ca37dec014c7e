//! `GET /manage/v1/openapi.json`.

use crate::support::Served;

#[tokio::test]
async fn the_document() {
    let served = Served::alone().await;
    let document = served.get("/manage/v1/openapi.json").send().await.message();
    assert_eq!(document["openapi"], "3.1.0");
    insta::assert_json_snapshot!(document);
}
