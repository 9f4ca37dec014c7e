//! `GET /manage/v1/registry/search`.

use serde_json::json;

use crate::support::Served;

#[tokio::test]
async fn there_are_no_registries() {
    let served = Served::alone().await;
    insta::assert_snapshot!(
        served
            .get("/manage/v1/registry/search?q=brave%20search")
            .send()
            .await
            .shown()
    );
    for query in ["?q=a&limit=100", "?q=a&registry=glama"] {
        let answered = served.get(&format!("/manage/v1/registry/search{query}")).send().await;
        assert_eq!(answered.status, 404, "{query}");
    }
}

#[tokio::test]
async fn a_search_that_means_nothing_is_refused() {
    let served = Served::alone().await;
    for query in [
        "",
        "?q=",
        "?q=%20",
        "?q=a%26b",
        "?q=%3Cx%3E",
        "?q=a&limit=0",
        "?q=a&limit=101",
        "?q=a&limit=x",
        "?q=a&limit=300",
    ] {
        let refused = served.get(&format!("/manage/v1/registry/search{query}")).send().await;
        assert_eq!(
            (refused.status.as_u16(), &refused.message()["error"]),
            (400, &json!("bad_request")),
            "{query}"
        );
    }
}
