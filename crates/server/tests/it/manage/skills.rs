//! `GET /manage/v1/skills` and what switches them.

use http::Method;
use serde_json::json;

use crate::support::Served;

#[tokio::test]
async fn there_are_no_skills() {
    let served = Served::alone().await;
    insta::assert_snapshot!(served.get("/manage/v1/skills").send().await.shown());
    for action in ["enable", "disable"] {
        let answered = served
            .request(Method::POST, &format!("/manage/v1/skills/x/{action}"))
            .send()
            .await;
        assert_eq!(
            (answered.status.as_u16(), &answered.message()["error"]),
            (503, &json!("service_unavailable"))
        );
    }
    let answered = served.request(Method::POST, "/manage/v1/skills/x/remove").send().await;
    assert_eq!(answered.status, 404);
}
