//! Host and Origin: a page must not reach the gateway through its visitor's browser.

use crate::support::{Request, Served};

const INITIALIZE: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;

fn initialize(served: &Served) -> Request {
    served.post(INITIALIZE)
}

#[tokio::test]
async fn a_host_that_is_not_ours() {
    let served = Served::alone().await;
    insta::assert_snapshot!(initialize(&served).header("host", "evil.example").send().await.shown());
}

#[tokio::test]
async fn hosts_on_loopback() {
    let served = Served::alone().await;
    let port = served.address.port();
    let own = format!("127.0.0.1:{port}");
    for host in [&own, "localhost", "LOCALHOST:1", "[::1]:9000", "127.0.0.1"] {
        assert_eq!(
            initialize(&served).header("host", host).send().await.status,
            200,
            "{host}"
        );
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "evil.example:9000",
        "127.0.0.2",
        "localhost@evil",
        "[::2]",
        "0.0.0.0",
        "",
    ] {
        assert_eq!(
            initialize(&served).header("host", host).send().await.status,
            403,
            "{host}"
        );
    }
}

#[tokio::test]
async fn a_request_without_a_host() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send("GET /mcp HTTP/1.0\r\naccept: text/event-stream\r\n\r\n")
        .await;
    assert_eq!(wire.status().await, 403);
    let mut wire = served.wire().await;
    wire.send("GET /manage/v1/health HTTP/1.0\r\n\r\n").await;
    assert_eq!(wire.status().await, 200);
}

#[tokio::test]
async fn origins_that_are_not_ours() {
    let served = Served::alone().await;
    let port = served.address.port();
    for origin in [
        "http://evil.example",
        "null",
        "",
        "http://localhost",
        "http://localhost:1",
        &format!("http://127.0.0.1:{port}.evil.example"),
        &format!("http://evil.example/127.0.0.1:{port}"),
        &format!("http://127.0.0.1:{port}/"),
        &format!("http://evil@127.0.0.1:{port}"),
        "é",
    ] {
        assert_eq!(
            initialize(&served).header("origin", origin).send().await.status,
            403,
            "{origin}"
        );
    }
    insta::assert_snapshot!(initialize(&served).header("origin", "null").send().await.shown());
}

#[tokio::test]
async fn the_own_origin_passes() {
    let served = Served::alone().await;
    let own = format!("http://127.0.0.1:{}", served.address.port());
    assert_eq!(initialize(&served).header("origin", &own).send().await.status, 200);
}

#[tokio::test]
async fn every_method_is_checked() {
    let served = Served::alone().await;
    for method in [http::Method::GET, http::Method::DELETE, http::Method::OPTIONS] {
        let request = served.request(method.clone(), "/mcp").header("host", "evil.example");
        assert_eq!(request.send().await.status, 403, "{method}");
    }
    let slash = served.get("/mcp/").header("host", "evil.example");
    assert_eq!(slash.send().await.status, 403);
}

#[tokio::test]
async fn a_refused_request_is_not_read() {
    let served = Served::alone().await;
    let refused = initialize(&served)
        .header("host", "evil.example")
        .body("{")
        .send()
        .await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn health_and_readiness_are_for_any_host() {
    let served = Served::alone().await;
    for path in ["/manage/v1/health", "/manage/v1/ready"] {
        assert_eq!(
            served.get(path).header("host", "10.0.0.7").send().await.status,
            200,
            "{path}"
        );
    }
}
