//! `GET /manage/v1/health`.

use std::time::Duration;

use serde_json::json;

use crate::support::{Backend, Served, soon, until};

/// An address at which nobody listens.
pub(crate) const DEAD: &str = "  dead: {type: streamable-http, url: \"http://127.0.0.1:1/mcp\"}\n";
/// The same, and so many failures that calls are refused are far off.
pub(crate) const CALLED_THOUGH_DEAD: &str =
    "  dead: {type: streamable-http, url: \"http://127.0.0.1:1/mcp\", health: {failures: 100}}\n";

/// The body, without what differs from run to run.
async fn health(served: &Served) -> String {
    let answered = served.get("/manage/v1/health").send().await;
    let uptime = answered.message()["uptime_seconds"].clone();
    assert!(uptime.as_f64().is_some_and(|seconds| seconds >= 0.0), "{uptime}");
    answered.shown().replace(&format!(":{uptime},"), ":[uptime],")
}

async fn settled(served: &Served) {
    let tried = || served.gateway.inventory().iter().all(|backend| backend.state().tried);
    until("all backends were tried", tried).await;
}

#[tokio::test]
async fn healthy_with_all_backends() {
    let (one, two) = (Backend::legacy().start().await, Backend::modern().start().await);
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    settled(&served).await;
    insta::assert_snapshot!(health(&served).await);
}

#[tokio::test]
async fn degraded_without_some() {
    let one = Backend::legacy().start().await;
    let served = Served::backends(&[one.yaml("one", ""), DEAD.to_owned()]).await;
    settled(&served).await;
    insta::assert_snapshot!(health(&served).await);
}

#[tokio::test]
async fn unhealthy_without_any() {
    let served = Served::backends(&[DEAD.to_owned()]).await;
    settled(&served).await;
    insta::assert_snapshot!(health(&served).await);
}

#[tokio::test]
async fn healthy_with_none_configured() {
    let served = Served::alone().await;
    insta::assert_snapshot!(health(&served).await);
}

#[tokio::test]
async fn a_backend_short_of_a_variable_counts_as_sick() {
    let one = Backend::legacy().start().await;
    let short = "  two: {type: stdio, command: x, env: {TOKEN: \"${NOT_SET}\"}}\n".to_owned();
    let served = Served::backends(&[one.yaml("one", ""), short]).await;
    settled(&served).await;
    let body = served.get("/manage/v1/health").send().await.message();
    assert_eq!(body["status"], "degraded");
    assert_eq!(body["backends"], json!({"total": 2, "connected": 1, "healthy": 1}));
}

#[tokio::test]
async fn follows_a_backend_that_goes_and_comes_back() {
    let one = Backend::legacy().start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    settled(&served).await;
    one.streams(1).await;
    one.set_dead(true);
    becomes(&served, "unhealthy").await;
    one.set_dead(false);
    becomes(&served, "healthy").await;
}

async fn becomes(served: &Served, status: &str) {
    let waiting = async {
        while served.get("/manage/v1/health").send().await.message()["status"] != status {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(status, waiting).await;
}

#[tokio::test]
async fn only_get_has_a_meaning() {
    let served = Served::alone().await;
    let answered = served.request(http::Method::POST, "/manage/v1/health").send().await;
    assert_eq!(answered.status, 405);
    assert_eq!(answered.headers["allow"], "GET,HEAD");
}
