//! `GET /manage/v1/groups`.

use serde_json::json;

use super::health::DEAD;
use crate::support::{Backend, Served};

#[tokio::test]
async fn groups_and_their_members_in_order() {
    let one = Backend::legacy().start().await;
    let lines = [
        one.yaml("one", ", group: tools"),
        DEAD.to_owned(),
        one.yaml("two", ", group: tools"),
    ];
    let served = Served::backends(&lines).await;
    insta::assert_snapshot!(served.get("/manage/v1/groups").send().await.shown());
    let of = |query: &'static str| served.get(&format!("/manage/v1/groups{query}")).send();
    let default = of("?group=default").await.message();
    assert_eq!(
        default,
        json!({"groups": {"default": {"servers": ["dead"], "count": 1}}, "total_groups": 1, "total_servers": 1})
    );
    let unknown = of("?group=nobody").await.message();
    assert_eq!(unknown, json!({"groups": {}, "total_groups": 0, "total_servers": 0}));
    let twice = of("?group=a&group=b").await;
    assert_eq!(
        (twice.status.as_u16(), &twice.message()["error"]),
        (400, &json!("bad_request"))
    );
}
