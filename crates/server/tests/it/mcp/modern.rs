//! `POST /mcp` of modern clients: header rules, `_meta`, methods, statuses.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Served, Whole};

const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

fn status_and_code(answered: &Whole) -> (u16, i64) {
    (answered.status.as_u16(), answered.code())
}

/// A gateway in front of a modern backend with a tool, a prompt and a resource of odd names.
async fn gateway() -> (Backend, Served) {
    let complete = json!({"resultType": "complete", "content": []});
    let backend = Backend::modern()
        .tools(&["t", "ünï"])
        .prompts(&["p"])
        .resources(&["x://a b/é"])
        .result("tools/call", complete.clone())
        .result("prompts/get", complete.clone())
        .result("resources/read", complete)
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    (backend, served)
}

#[tokio::test]
async fn a_call_that_obeys_the_rules() {
    let (_backend, served) = gateway().await;
    insta::assert_snapshot!(served.modern("tools/call", json!({"name": "t"})).send().await.shown());
}

#[tokio::test]
async fn each_header_must_be_there() {
    let (backend, served) = gateway().await;
    for header in ["mcp-protocol-version", "mcp-method", "mcp-name"] {
        let answered = served
            .modern("tools/call", json!({"name": "t"}))
            .without(header)
            .send()
            .await;
        assert_eq!(status_and_code(&answered), (400, -32020), "{header}");
        assert_eq!(answered.message()["id"], 1);
    }
    assert!(backend.seen("tools/call").is_empty());
}

#[tokio::test]
async fn a_missing_header() {
    let (_backend, served) = gateway().await;
    let request = served.modern("tools/call", json!({"name": "t"})).without("mcp-name");
    insta::assert_snapshot!(request.send().await.shown());
}

#[tokio::test]
async fn each_header_must_say_what_the_body_says() {
    let (backend, served) = gateway().await;
    let wrong = [
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-protocol-version", "2199-01-01"),
        ("mcp-method", "tools/list"),
        ("mcp-method", "TOOLS/CALL"),
        ("mcp-name", "other"),
        ("mcp-name", "T"),
        ("mcp-name", ""),
        ("mcp-name", "=?base64?!?="),
        ("mcp-name", "=?base64?b3RoZXI=?="),
        ("mcp-name", "=?base64?//4=?="),
        // Only names and arguments may be coded.
        ("mcp-method", "=?base64?dG9vbHMvY2FsbA==?="),
        ("mcp-protocol-version", "=?base64?MjAyNi0wNy0yOA==?="),
    ];
    for (header, value) in wrong {
        let answered = served
            .modern("tools/call", json!({"name": "t"}))
            .header(header, value)
            .send()
            .await;
        assert_eq!(status_and_code(&answered), (400, -32020), "{header}: {value}");
    }
    assert!(backend.seen("tools/call").is_empty());
}

#[tokio::test]
async fn each_header_is_there_once() {
    let (backend, served) = gateway().await;
    let headers = [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "t"),
    ];
    for (header, value) in headers {
        for other in [value, "other"] {
            let request = served.modern("tools/call", json!({"name": "t"}));
            let answered = request.and_header(header, other).send().await;
            assert_eq!(status_and_code(&answered), (400, -32020), "{header}: {other}");
        }
    }
    assert!(backend.seen("tools/call").is_empty());
}

#[tokio::test]
async fn a_name_that_the_body_does_not_say() {
    let (backend, served) = gateway().await;
    for (method, params) in [
        ("tools/call", json!({})),
        ("tools/call", json!({"name": 1})),
        ("prompts/get", json!({"uri": "t"})),
        ("resources/read", json!({"name": "t"})),
        ("tasks/get", json!({})),
    ] {
        let request = served.modern(method, params).header("mcp-name", "t");
        assert_eq!(status_and_code(&request.send().await), (400, -32020), "{method}");
    }
    // Where nothing is named, the header means nothing.
    let list = served
        .modern("tools/list", json!({"name": "x"}))
        .header("mcp-name", "t");
    assert_eq!(list.send().await.status, 200);
    assert!(backend.seen("tools/call").is_empty());
}

#[tokio::test]
async fn mirrored_headers_of_a_legacy_request_mean_nothing() {
    let (backend, served) = gateway().await;
    let session = served.session().await;
    let call = session.ask("tools/call", json!({"name": "t", "arguments": {}}));
    let lying = call
        .header("mcp-method", "tools/list")
        .header("mcp-name", "other")
        .and_header("mcp-name", "another")
        .header("mcp-param-region", "eu");
    assert_eq!(lying.send().await.result()["content"], json!([]));
    let headers = backend.first("tools/call").await.headers;
    assert_eq!(
        (&headers["mcp-method"], &headers["mcp-name"]),
        (&"tools/call".parse().unwrap(), &"t".parse().unwrap())
    );
    assert!(!headers.contains_key("mcp-param-region"));
}

#[tokio::test]
async fn a_legacy_request_names_no_modern_version_beside_its_own() {
    let (_backend, served) = gateway().await;
    let session = served.session().await;
    let call = || session.ask("tools/call", json!({"name": "t", "arguments": {}}));
    let twice = call().and_header("mcp-protocol-version", "2026-07-28").send().await;
    assert_eq!(status_and_code(&twice), (400, -32020));
    assert_eq!(call().send().await.status, 200);
}

#[tokio::test]
async fn a_mismatched_header() {
    let (_backend, served) = gateway().await;
    let request = served
        .modern("tools/call", json!({"name": "t"}))
        .header("mcp-name", "other");
    insta::assert_snapshot!(request.send().await.shown());
}

#[tokio::test]
async fn the_name_may_be_coded_and_must_be_where_it_is_not_ascii() {
    let (backend, served) = gateway().await;
    let plain = served
        .modern("tools/call", json!({"name": "t"}))
        .header("mcp-name", "=?base64?dA==?=");
    assert_eq!(plain.send().await.status, 200);
    let coded = served
        .modern("tools/call", json!({"name": "ünï"}))
        .header("mcp-name", "=?base64?w7xuw68=?=");
    assert_eq!(coded.send().await.status, 200);
    assert_eq!(backend.seen("tools/call")[1].headers["mcp-name"], "=?base64?w7xuw68=?=");
    let raw = served
        .modern("tools/call", json!({"name": "ünï"}))
        .header("mcp-name", "ünï");
    assert_eq!(status_and_code(&raw.send().await), (400, -32020));
}

#[tokio::test]
async fn prompts_and_resources_are_named_too() {
    let (backend, served) = gateway().await;
    let prompt = || served.modern("prompts/get", json!({"name": "p"}));
    assert_eq!(prompt().send().await.status, 200);
    assert_eq!(
        status_and_code(&prompt().header("mcp-name", "q").send().await),
        (400, -32020)
    );
    let read = || served.modern("resources/read", json!({"uri": "x://a b/é"}));
    assert_eq!(
        read()
            .header("mcp-name", "=?base64?eDovL2EgYi/DqQ==?=")
            .send()
            .await
            .status,
        200
    );
    assert_eq!(
        status_and_code(&read().header("mcp-name", "x://b").send().await),
        (400, -32020)
    );
    assert_eq!(
        backend.first("resources/read").await.headers["mcp-name"],
        "=?base64?eDovL2EgYi/DqQ==?="
    );
}

#[tokio::test]
async fn space_around_a_header_means_nothing() {
    let (_backend, served) = gateway().await;
    let request = served
        .modern("tools/call", json!({"name": "t"}))
        .header("mcp-name", " \t t  ")
        .header("mcp-method", "  tools/call ");
    assert_eq!(request.send().await.status, 200);
}

#[tokio::test]
async fn meta_is_required_and_must_be_well_formed() {
    let (_backend, served) = gateway().await;
    let refused = async |change: fn(&mut Value)| {
        let answered = served.modern("tools/list", json!({})).change(change).send().await;
        assert_eq!(status_and_code(&answered), (400, -32602), "{}", answered.body);
    };
    refused(|body| body["params"] = Value::Null).await;
    refused(|body| body["params"] = json!([])).await;
    refused(|body| body["params"] = json!({})).await;
    refused(|body| body["params"]["_meta"] = json!([])).await;
    refused(|body| body["params"]["_meta"] = json!({VERSION: "2026-07-28"})).await;
    refused(|body| body["params"]["_meta"][CAPABILITIES] = json!([])).await;
    refused(|body| body["params"]["_meta"][CAPABILITIES] = Value::Null).await;
    refused(|body| body["params"]["_meta"] = json!({CAPABILITIES: {}})).await;
    refused(|body| body["params"]["_meta"][VERSION] = json!(20260728)).await;
}

#[tokio::test]
async fn missing_meta() {
    let (_backend, served) = gateway().await;
    let request = served
        .modern("tools/list", json!({}))
        .change(|body| body["params"] = json!({}));
    insta::assert_snapshot!(request.send().await.shown());
}

#[tokio::test]
async fn a_version_that_is_not_spoken() {
    let (_backend, served) = gateway().await;
    let request = served
        .modern("tools/list", json!({"_meta": {VERSION: "2199-01-01"}}))
        .header("mcp-protocol-version", "2199-01-01");
    insta::assert_snapshot!(request.send().await.shown());
}

#[tokio::test]
async fn a_version_in_meta_makes_a_request_modern_whatever_else_it_says() {
    let (_backend, served) = gateway().await;
    let session = served.session().await;
    let request = served.modern("ping", json!({})).header("mcp-session-id", &session.id);
    assert_eq!(status_and_code(&request.send().await), (404, -32601));
    let handshake = served.modern(
        "initialize",
        json!({"protocolVersion": "2025-11-25", "capabilities": {}}),
    );
    assert_eq!(status_and_code(&handshake.send().await), (404, -32601));
}

#[tokio::test]
async fn a_key_may_be_written_with_escapes() {
    let (_backend, served) = gateway().await;
    let escaped = r"modelcontextprotocol\/protocol\u0056ersion";
    let request = || {
        served
            .modern("ping", json!({}))
            .replace("modelcontextprotocol/protocolVersion", escaped)
    };
    assert_eq!(status_and_code(&request().send().await), (404, -32601));
    let other = request().header("mcp-protocol-version", "2025-11-25");
    assert_eq!(status_and_code(&other.send().await), (400, -32020));
}

#[tokio::test]
async fn methods_that_ended_with_the_handshake_are_unknown() {
    let (_backend, served) = gateway().await;
    for method in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
    ] {
        let answered = served.modern(method, json!({"uri": "x://a b/é"})).send().await;
        assert_eq!(status_and_code(&answered), (404, -32601), "{method}");
    }
    let answered = served.modern("ping", json!({})).send().await;
    insta::assert_snapshot!(answered.shown());
}

#[tokio::test]
async fn unknown_names_are_wrong_parameters() {
    let (_backend, served) = gateway().await;
    let tool = served.modern("tools/call", json!({"name": "unknown"})).send().await;
    assert_eq!(status_and_code(&tool), (200, -32602));
    let prompt = served.modern("prompts/get", json!({"name": "unknown"})).send().await;
    assert_eq!(status_and_code(&prompt), (200, -32602));
}

#[tokio::test]
async fn an_unknown_resource() {
    let served = Served::alone().await;
    insta::assert_snapshot!(
        served
            .modern("resources/read", json!({"uri": "x://1"}))
            .send()
            .await
            .shown()
    );
}

#[tokio::test]
async fn only_post_has_a_meaning() {
    let served = Served::alone().await;
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let request = served
            .request(method.clone(), "/mcp")
            .header("mcp-protocol-version", "2026-07-28");
        let answered = request.header("accept", "text/event-stream").send().await;
        assert_eq!(
            (answered.status.as_u16(), &answered.headers["allow"]),
            (405, &"POST".parse().unwrap()),
            "{method}"
        );
    }
}

#[tokio::test]
async fn a_session_id_and_a_last_event_id_are_ignored() {
    let (_backend, served) = gateway().await;
    let request = served
        .modern("tools/call", json!({"name": "t"}))
        .header("mcp-session-id", "unknown")
        .header("last-event-id", "7");
    let answered = request.send().await;
    assert_eq!(answered.status, 200);
    assert!(!answered.headers.contains_key("mcp-session-id"));
}

#[tokio::test]
async fn a_notification_is_accepted_and_an_answer_is_not() {
    let served = Served::alone().await;
    let meta = json!({VERSION: "2026-07-28", CAPABILITIES: {}});
    let send = async |body: Value| {
        let request = served.modern("x", json!({})).body(body.to_string());
        request.send().await.status.as_u16()
    };
    assert_eq!(
        send(json!({"jsonrpc": "2.0", "method": "notifications/x", "params": {"_meta": meta}})).await,
        202
    );
    assert_eq!(send(json!({"jsonrpc": "2.0", "id": 1, "result": {}})).await, 400);
}

#[tokio::test]
async fn ids_come_back_as_they_were_written() {
    let (_backend, served) = gateway().await;
    for id in ["0", "-1", "1.0", r#""""#, r#""a\"b""#, "12345678901234567890"] {
        let request = served
            .modern("tools/call", json!({"name": "t"}))
            .replace(r#""id":1,"#, &format!(r#""id":{id},"#));
        let body = request.send().await.body;
        assert!(
            body.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":"#)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn codes_of_a_backend_decide_about_the_status() {
    for (code, status) in [
        (-32601, 404),
        (-32020, 400),
        (-32021, 400),
        (-32022, 400),
        (-32602, 200),
        (-32603, 200),
        (7, 200),
    ] {
        let backend = Backend::modern()
            .tools(&["t"])
            .on("tools/call", move |_| async move { Answer::error(code, "no") })
            .start()
            .await;
        let served = Served::backends(&[backend.yaml("one", "")]).await;
        let call = || served.modern("tools/call", json!({"name": "t"})).send();
        let mut answered = call().await;
        // An answer that takes long is a stream, which has begun with another status: then again.
        for _ in 0..5 {
            if answered.is_stream() {
                answered = call().await;
            }
        }
        assert_eq!(status_and_code(&answered), (status, code));
    }
}

#[tokio::test]
async fn parameter_headers_are_passed_on_and_not_understood() {
    let (backend, served) = gateway().await;
    let request = served
        .modern("tools/call", json!({"name": "t", "arguments": {"region": "eu"}}))
        .header("mcp-param-region", "eu")
        .header("mcp-param-unknown", "=?base64?w6k=?=")
        .header("x-other", "private")
        .header("authorization", "Bearer private")
        .header("cookie", "private=1");
    assert_eq!(request.send().await.status, 200);
    let headers = backend.first("tools/call").await.headers;
    assert_eq!(
        (&headers["mcp-param-region"], &headers["mcp-param-unknown"]),
        (&"eu".parse().unwrap(), &"=?base64?w6k=?=".parse().unwrap())
    );
    for private in ["x-other", "authorization", "cookie"] {
        assert!(!headers.contains_key(private), "{private}");
    }
}

#[tokio::test]
async fn a_modern_backend_gets_the_request_as_it_was() {
    let (backend, served) = gateway().await;
    let meta = json!({CAPABILITIES: {"elicitation": {}}, "io.modelcontextprotocol/clientInfo": {"name": "me"}, "traceparent": "00-1"});
    served
        .modern(
            "tools/call",
            json!({"name": "t", "arguments": {"b": 1, "a": 2}, "_meta": meta}),
        )
        .send()
        .await;
    let seen = backend.first("tools/call").await;
    let mut expected = json!({"name": "t", "arguments": {"b": 1, "a": 2}, "_meta": meta});
    expected["_meta"][VERSION] = "2026-07-28".into();
    assert_eq!(seen.message["params"], expected);
    assert_eq!(
        (&seen.headers["mcp-method"], &seen.headers["mcp-name"]),
        (&"tools/call".parse().unwrap(), &"t".parse().unwrap())
    );
    assert_eq!(seen.headers["mcp-protocol-version"], "2026-07-28");
}

#[tokio::test]
async fn a_legacy_backend_answers_modern_clients() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .resources(&["x://1"])
        .on("tools/call", |_| async { r#"{"content":[{"x":1.0}]}"# })
        .on("resources/read", |_| async { r#"{"contents":[]}"# })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    insta::assert_snapshot!(served.modern("tools/call", json!({"name": "t"})).send().await.shown());
    let read = served
        .modern("resources/read", json!({"uri": "x://1"}))
        .send()
        .await
        .result();
    let server = json!({"io.modelcontextprotocol/serverInfo": {"name": "test backend", "version": "1"}});
    assert_eq!(
        read,
        json!({"contents": [], "resultType": "complete", "ttlMs": 0, "cacheScope": "private", "_meta": server})
    );
    assert_eq!(
        backend.first("tools/call").await.message["params"],
        json!({"name": "t", "_meta": {}})
    );
}

#[tokio::test]
async fn a_modern_backend_answers_legacy_clients() {
    let (backend, served) = gateway().await;
    let session = served.session().await;
    assert_eq!(session.tool("t").await.result()["content"], json!([]));
    let meta = &backend.first("tools/call").await.message["params"]["_meta"];
    assert_eq!(meta[VERSION], "2026-07-28");
    assert_eq!(
        meta["io.modelcontextprotocol/clientInfo"],
        json!({"name": "test", "version": "1"})
    );
}
