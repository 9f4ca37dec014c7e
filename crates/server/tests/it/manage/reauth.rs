//! `POST /manage/v1/reauth/{name}`.

use http::Method;
use serde_json::json;

use super::health::DEAD;
use crate::support::Served;

#[tokio::test]
async fn no_login_is_begun_and_it_says_why() {
    let served = Served::backends(&[DEAD.to_owned()]).await;
    let of = |name: &'static str| {
        served
            .request(Method::POST, &format!("/manage/v1/reauth/{name}"))
            .send()
    };
    insta::assert_snapshot!(of("dead").await.shown());
    for (name, status, error) in [("nobody", 404, "not_found"), ("%ff", 400, "bad_request")] {
        let refused = of(name).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.message()["error"]),
            (status, &json!(error)),
            "{name}"
        );
    }
}
