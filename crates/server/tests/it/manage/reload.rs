//! `POST /manage/v1/reload`. What it does is seen in the tests of the whole program.

use http::Method;

use crate::support::Served;

#[tokio::test]
async fn without_a_file_there_is_nothing_to_reload() {
    let served = Served::alone().await;
    let answered = served.request(Method::POST, "/manage/v1/reload").send().await;
    insta::assert_snapshot!(answered.shown());
}

#[tokio::test]
async fn switched_off_it_is_a_conflict() {
    let served = Served::with("feature_flags: {hot_reload: false}").await;
    let answered = served.request(Method::POST, "/manage/v1/reload").send().await;
    insta::assert_snapshot!(answered.shown());
}
