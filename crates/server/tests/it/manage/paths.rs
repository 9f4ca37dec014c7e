//! Paths and methods that there are not.

use http::Method;

use crate::support::Served;

#[tokio::test]
async fn an_unknown_path_is_an_error_of_this_api() {
    let served = Served::alone().await;
    insta::assert_snapshot!(served.get("/manage/v1/nothing").send().await.shown());
    for path in ["/manage/v1", "/manage/v1/", "/manage/v1/backends/a/b/c"] {
        let answered = served.get(path).send().await;
        assert_eq!(
            (answered.status.as_u16(), &answered.message()["error"]),
            (404, &"not_found".into()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_method_without_meaning_is_an_error_of_this_api() {
    let served = Served::alone().await;
    for path in ["health", "status"] {
        let answered = served
            .request(Method::DELETE, &format!("/manage/v1/{path}"))
            .send()
            .await;
        assert_eq!(answered.status, 405);
        assert_eq!(answered.headers["allow"], "GET,HEAD");
        assert_eq!(answered.message()["error"], "method_not_allowed");
    }
}
