//! The log of what operators do.

use http::Method;
use serde_json::{Value, json};

use crate::mcp::lines::Lines;
use crate::support::{Answer, Backend, Served, until};

#[tokio::test]
async fn what_operators_do_is_in_the_log() {
    let (lines, _guard) = Lines::collect();
    let one = Backend::legacy()
        .tools(&["t"])
        .prompts(&["p"])
        .result("tools/call", json!({"content": []}))
        .on("prompts/get", |_| async { Answer::error(1, "no") })
        .silent("resources/read")
        .resources(&["x://1"])
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    served.gateway.started().await;
    let post = |path: &str, body: &str| served.request(Method::POST, &format!("/manage/v1/{path}")).body(body);
    let line = |method: &str, outcome: &str, status: Value| vec![(method.to_owned(), outcome.to_owned(), status)];
    for (path, body, expected) in [
        (
            "tools/call",
            r#"{"tool":"t"}"#,
            line("tools/call", "result", Value::Null),
        ),
        (
            "prompts/get",
            r#"{"prompt":"p"}"#,
            line("prompts/get", "error", Value::Null),
        ),
        (
            "tools/call",
            r#"{"tool":"x"}"#,
            line("tools/call", "refused", json!(404)),
        ),
        ("tools/call", "{", line("-", "refused", json!(400))),
        ("reauth/one", "", line("reauth", "accepted", Value::Null)),
        ("reconnect/one", "", line("reconnect", "accepted", Value::Null)),
        (
            "config/validate",
            "backends: {}",
            line("config/validate", "accepted", Value::Null),
        ),
        ("backends/x/disable", "", line("disable", "refused", json!(404))),
    ] {
        post(path, body).send().await;
        assert_eq!(lines.take(1).await, expected, "{path} {body}");
    }
    let mut wire = served.wire().await;
    let head = "POST /manage/v1/resources/read HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 15\r\n\r\n";
    wire.send(format!("{head}{}", r#"{"uri":"x://1"}"#)).await;
    one.first("resources/read").await;
    drop(wire);
    assert_eq!(lines.take(1).await, line("resources/read", "dropped", Value::Null));
    until("the call is cancelled", || one.given_up() == 1).await;
    post("shutdown", "").send().await;
    assert_eq!(lines.take(1).await, line("shutdown", "accepted", Value::Null));
}
