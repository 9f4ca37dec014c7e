//! `GET /sse`: opens a connection.

use http::Method;
use serde_json::json;

use crate::support::{Served, soon};

#[tokio::test]
async fn the_first_event_names_where_to_post() {
    let served = Served::alone().await;
    for path in ["/sse", "/sse/"] {
        let mut stream = served.get(path).header("accept", "text/event-stream").open().await;
        assert_eq!(stream.status, 200);
        assert_eq!(stream.headers["content-type"], "text/event-stream");
        assert_eq!(stream.headers["cache-control"], "no-cache, no-transform");
        assert_eq!(stream.headers["x-accel-buffering"], "no");
        let (name, uri) = stream.typed().await.unwrap();
        let id = uri.strip_prefix("/messages/?session_id=").unwrap();
        assert_eq!(name, "endpoint");
        assert!(
            id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
    }
}

#[tokio::test]
async fn needs_an_accept_header_for_streams() {
    let served = Served::alone().await;
    let refused = served.get("/sse").header("accept", "application/json").send().await;
    insta::assert_snapshot!(refused.shown());
}

#[tokio::test]
async fn other_methods_have_no_meaning() {
    let served = Served::alone().await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::HEAD] {
        let refused = served.request(method.clone(), "/sse").send().await;
        assert_eq!(
            (refused.status.as_u16(), &refused.headers["allow"]),
            (405, &"GET".parse().unwrap()),
            "{method}"
        );
    }
    insta::assert_snapshot!(served.request(Method::POST, "/sse").send().await.shown());
}

#[tokio::test]
async fn a_page_that_is_not_ours_opens_nothing() {
    let served = Served::alone().await;
    let get = || served.get("/sse").header("accept", "text/event-stream");
    assert_eq!(get().header("host", "evil.example").send().await.status, 403);
    assert_eq!(get().header("origin", "http://evil.example").send().await.status, 403);
    assert_eq!(get().open().await.status, 200);
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_read_the_stream() {
    let served = Served::with("server: {allowed_origins: [\"https://app.example\"]}").await;
    let get = served.get("/sse").header("origin", "https://app.example");
    let stream = get.open().await;
    assert_eq!(stream.status, 200);
    assert_eq!(stream.headers["access-control-allow-origin"], "https://app.example");
}

#[tokio::test]
async fn each_revision_is_answered_with_itself() {
    let served = Served::alone().await;
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let result = served.sse().await.initialize(version, json!({})).await;
        assert_eq!(result["protocolVersion"], version);
    }
    let result = served.sse().await.initialize("2199-01-01", json!({})).await;
    assert_eq!(result["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn one_caller_has_so_many_connections() {
    let served = Served::with("server: {max_sessions_per_caller: 2}").await;
    let get = || served.get("/sse").header("accept", "text/event-stream");
    let (first, _second) = (served.sse().await, served.sse().await);
    insta::assert_snapshot!(get().send().await.shown());
    drop(first);
    let room = async {
        while get().open().await.status != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    soon("the place of the first", room).await;
}
