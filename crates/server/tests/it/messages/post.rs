//! `POST /messages/`: what is taken and what is refused.

use http::Method;
use serde_json::json;

use crate::support::{Request, Served};

const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;

fn post(served: &Served, path: &str) -> Request {
    let post = served.request(Method::POST, path);
    post.header("content-type", "application/json").body(PING)
}

#[tokio::test]
async fn what_is_taken() {
    let served = Served::alone().await;
    let client = served.sse_of("2024-11-05", json!({})).await;
    insta::assert_snapshot!(client.post(PING).send().await.shown());
    let query = client.endpoint.strip_prefix("/messages/").unwrap();
    for path in ["/messages", "/messages/"] {
        assert_eq!(
            post(&served, &format!("{path}{query}")).send().await.status,
            202,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_connection_must_be_named() {
    let served = Served::alone().await;
    insta::assert_snapshot!(post(&served, "/messages/").send().await.shown());
    for query in ["?", "?session_id", "?sessionid=1", "?x=session_id=1"] {
        let refused = post(&served, &format!("/messages/{query}")).send().await;
        assert_eq!(refused.status, 400, "{query}");
    }
}

#[tokio::test]
async fn an_unknown_connection() {
    let served = Served::alone().await;
    let _other = served.sse().await;
    insta::assert_snapshot!(
        post(&served, "/messages/?session_id=0123456789abcdef")
            .send()
            .await
            .shown()
    );
    let of_mcp = served.session().await;
    let refused = post(&served, &format!("/messages/?session_id={}", of_mcp.id))
        .send()
        .await;
    assert_eq!(refused.status, 404);
}

#[tokio::test]
async fn a_connection_is_no_session_of_mcp() {
    let served = Served::alone().await;
    let client = served.sse_of("2025-11-25", json!({})).await;
    let (_, id) = client.endpoint.split_once('=').unwrap();
    assert_eq!(served.post(PING).header("mcp-session-id", id).send().await.status, 404);
}

#[tokio::test]
async fn other_methods_have_no_meaning() {
    let served = Served::alone().await;
    let client = served.sse().await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let refused = served.request(method.clone(), &client.endpoint).send().await;
        assert_eq!(
            (refused.status.as_u16(), &refused.headers["allow"]),
            (405, &"POST".parse().unwrap()),
            "{method}"
        );
    }
    insta::assert_snapshot!(served.get(&client.endpoint).send().await.shown());
}

#[tokio::test]
async fn content_type_must_be_json() {
    let served = Served::alone().await;
    let client = served.sse().await;
    insta::assert_snapshot!(
        client
            .post(PING)
            .header("content-type", "text/plain")
            .send()
            .await
            .shown()
    );
    assert_eq!(client.post(PING).without("content-type").send().await.status, 415);
}

#[tokio::test]
async fn what_is_no_message() {
    let served = Served::alone().await;
    let mut client = served.sse_of("2024-11-05", json!({})).await;
    for (body, code) in [("{", -32700), ("7", -32600), (r#"{"jsonrpc":"2.0","id":1}"#, -32600)] {
        let refused = client.post(body).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, code), "{body}");
    }
    assert_eq!(client.call("ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn a_body_over_the_limit() {
    let served = Served::with("server: {max_body_bytes: 2000}").await;
    let client = served.sse().await;
    let refused = client.post("x".repeat(2001)).send().await;
    assert_eq!((refused.status.as_u16(), refused.code()), (413, -32600));
}

#[tokio::test]
async fn a_page_that_is_not_ours_says_nothing() {
    let served = Served::alone().await;
    let client = served.sse().await;
    let post = || client.post(PING);
    assert_eq!(post().header("host", "evil.example").send().await.status, 403);
    assert_eq!(post().header("origin", "http://evil.example").send().await.status, 403);
    assert_eq!(post().send().await.status, 202);
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_ask_beforehand() {
    let served = Served::with("server: {allowed_origins: [\"https://app.example\"]}").await;
    let allowed = served
        .request(Method::OPTIONS, "/messages/")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type");
    let allowed = allowed.send().await;
    assert_eq!(allowed.headers["access-control-allow-origin"], "https://app.example");
}
