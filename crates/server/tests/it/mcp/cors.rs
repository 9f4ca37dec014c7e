//! Pages of listed origins may read the answers.

use http::Method;

use crate::support::{Request, Served};

const PAGE: &str = "https://app.example";

async fn served() -> Served {
    Served::with(&format!("server: {{allowed_origins: [\"{PAGE}\"]}}")).await
}

fn preflight(served: &Served, origin: &str) -> Request {
    served
        .request(Method::OPTIONS, "/mcp")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "content-type,mcp-session-id,mcp-protocol-version",
        )
}

#[tokio::test]
async fn a_listed_origin_may_ask_beforehand() {
    let served = served().await;
    let allowed = preflight(&served, PAGE).send().await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.headers["access-control-allow-origin"], PAGE);
    assert!(
        allowed.headers["access-control-allow-methods"]
            .to_str()
            .unwrap()
            .contains("POST")
    );
    let named = allowed.headers["access-control-allow-headers"].to_str().unwrap();
    assert!(named.contains("mcp-session-id"), "{named}");
}

#[tokio::test]
async fn a_listed_origin_may_read_the_session_id() {
    let served = served().await;
    let body =
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;
    let answered = served.post(body).header("origin", PAGE).send().await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.headers["access-control-allow-origin"], PAGE);
    let exposed = answered.headers["access-control-expose-headers"].to_str().unwrap();
    assert!(exposed.contains("mcp-session-id"), "{exposed}");
}

#[tokio::test]
async fn other_origins_may_not() {
    let served = served().await;
    let refused = preflight(&served, "https://evil.example").send().await;
    assert_eq!(refused.status, 403);
    assert!(!refused.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn nobody_may_use_the_credentials_of_the_visitor() {
    let served = served().await;
    let allowed = preflight(&served, PAGE).send().await;
    assert!(!allowed.headers.contains_key("access-control-allow-credentials"));
}

#[tokio::test]
async fn the_case_of_an_origin_does_not_count() {
    let served = Served::with("server: {allowed_origins: [\"https://App.Example\"]}").await;
    let allowed = preflight(&served, PAGE).send().await;
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.headers["access-control-allow-origin"], PAGE);
}

#[tokio::test]
async fn without_listed_origins_nothing_is_said_of_them() {
    let served = Served::with("").await;
    let answered = served.post(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).send().await;
    for name in ["vary", "access-control-expose-headers", "access-control-allow-origin"] {
        assert!(!answered.headers.contains_key(name), "{name}");
    }
}
