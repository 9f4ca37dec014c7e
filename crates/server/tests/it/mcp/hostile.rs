//! Clients that send what no client should. Whatever they do, the next one is served.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Backend, Served, Session};

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const HEAD: &str = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";

async fn session() -> (Served, Session) {
    let served = Served::alone().await;
    let session = served.session().await;
    (served, session)
}

/// A gateway that takes 2,000 bytes.
async fn small() -> Served {
    Served::with("server: {max_body_bytes: 2000}").await
}

/// A ping of this length.
fn padded(length: usize) -> String {
    let mut body = PING.replace('}', r#","pad":""}"#);
    body.insert_str(body.len() - 2, &"x".repeat(length - body.len()));
    body
}

#[tokio::test]
async fn a_body_at_the_limit_passes_and_one_beyond_does_not() {
    let served = small().await;
    let session = served.session().await;
    assert_eq!(session.post(padded(2000)).send().await.status, 200);
    assert_eq!(session.post(padded(2001)).send().await.status, 413);
    served.is_well().await;
}

#[tokio::test]
async fn a_body_over_the_limit() {
    let served = small().await;
    insta::assert_snapshot!(served.post(padded(2001)).send().await.shown());
}

#[tokio::test]
async fn an_announced_length_is_enough_to_refuse() {
    let served = small().await;
    for length in ["2001", "4294967296", "9223372036854775807"] {
        let mut wire = served.wire().await;
        wire.send(format!("{HEAD}content-length: {length}\r\n\r\n")).await;
        assert_eq!(wire.status().await, 413, "{length}");
    }
    served.is_well().await;
}

#[tokio::test]
async fn chunks_are_counted() {
    let served = small().await;
    let mut wire = served.wire().await;
    wire.send(format!("{HEAD}transfer-encoding: chunked\r\n\r\n")).await;
    for _ in 0..3 {
        wire.send(format!("3e8\r\n{}\r\n", "x".repeat(1000))).await;
    }
    assert_eq!(wire.status().await, 413);
    served.is_well().await;
}

#[tokio::test]
async fn a_client_in_the_middle_of_a_huge_body_learns_why_it_is_refused() {
    let served = Served::alone().await;
    let answered = served.post(vec![b'x'; 6 << 20]).send().await;
    assert_eq!(answered.status, 413);
}

#[tokio::test]
async fn lengths_that_contradict_are_refused() {
    let served = Served::alone().await;
    for lengths in [
        "content-length: -1\r\n",
        "content-length: x\r\n",
        "content-length: 4\r\ncontent-length: 40\r\n",
        "transfer-encoding: gzip\r\n",
    ] {
        let mut wire = served.wire().await;
        wire.send(format!("{HEAD}{lengths}\r\n{PING}")).await;
        assert_eq!(wire.status().await, 400, "{lengths}");
    }
    served.is_well().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_hurts_nobody() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send(format!("{HEAD}content-length: 100\r\n\r\n{{")).await;
    drop(wire);
    served.is_well().await;
}

#[tokio::test]
async fn what_is_not_json() {
    let (_served, session) = session().await;
    insta::assert_snapshot!(
        session
            .post(r#"{"jsonrpc":"2.0","id":1,"method":"ping""#)
            .send()
            .await
            .shown()
    );
    for body in [
        "",
        " ",
        "{",
        "nonsense",
        "{}{}",
        "{\"a\":1,}",
        "{\"a\":01}",
        "\u{feff}{}",
        "'x'",
        "NaN",
    ] {
        let answered = session.post(body).send().await;
        assert_eq!((answered.status.as_u16(), answered.code()), (400, -32700), "{body:?}");
    }
}

#[tokio::test]
async fn what_is_not_utf8() {
    let (_served, session) = session().await;
    for junk in [&b"\xff"[..], b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"] {
        let mut body = br#"{"jsonrpc":"2.0","id":1,"method":"ping","x":""#.to_vec();
        body.extend_from_slice(junk);
        body.extend_from_slice(br#""}"#);
        let answered = session.post(body).send().await;
        assert_eq!((answered.status.as_u16(), answered.code()), (400, -32700), "{junk:?}");
    }
}

#[tokio::test]
async fn what_is_json_and_no_message() {
    let (_served, session) = session().await;
    for body in [
        "1",
        "null",
        "\"ping\"",
        "{}",
        r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
        r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#,
        r#"{"id":1,"method":"ping"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":null}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
        r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
    ] {
        let answered = session.post(body).send().await;
        assert_eq!((answered.status.as_u16(), answered.code()), (400, -32600), "{body}");
    }
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    let (served, session) = session().await;
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(5000), close.repeat(5000));
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"x":{deep}}}}}"#);
        let answered = session.post(body).send().await;
        assert_eq!((answered.status.as_u16(), answered.code()), (400, -32600));
    }
    let only_open = session.post("[".repeat(1 << 20)).send().await;
    assert_eq!(only_open.status, 400);
    served.is_well().await;
}

#[tokio::test]
async fn a_member_of_the_envelope_written_twice_is_refused() {
    let (_served, session) = session().await;
    for twice in [
        r#""method":"ping""#,
        r#""id":2"#,
        r#""jsonrpc":"2.0""#,
        r#""params":{},"params":{}"#,
        r#""m\u0065thod":"tools/call""#,
    ] {
        let body = PING.replace('}', &format!(",{twice}}}"));
        let answered = session.post(body).send().await;
        assert_eq!((answered.status.as_u16(), answered.code()), (400, -32600), "{twice}");
    }
}

#[tokio::test]
async fn a_member_of_the_parameters_written_twice_is_refused() {
    let backend = Backend::legacy()
        .tools(&["allowed", "other"])
        .result("tools/call", json!({}))
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    for params in [
        r#"{"name":"allowed","name":"other"}"#,
        r#"{"name":"allowed","n\u0061me":"other"}"#,
        r#"{"name":"allowed","_meta":{"progressToken":1,"progressToken":2}}"#,
        r#"{"name":"allowed","_meta":{"progressToken":1},"_meta":{}}"#,
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        assert_eq!(session.post(body).send().await.code(), -32602, "{params}");
    }
    assert!(backend.seen("tools/call").is_empty());
}

#[tokio::test]
async fn other_methods_have_no_meaning() {
    let served = Served::alone().await;
    for method in [Method::PUT, Method::PATCH, Method::HEAD, Method::TRACE] {
        let answered = served.request(method.clone(), "/mcp").send().await;
        assert_eq!(answered.status, 405, "{method}");
        assert_eq!(answered.headers["allow"], "GET, POST, DELETE");
    }
    insta::assert_snapshot!(served.request(Method::PUT, "/mcp").send().await.shown());
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let served = Served::alone().await;
    for junk in [
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "POST /mcp HTTP/9.9\r\n\r\n",
        "POST /mcp HTTP/1.1\r\nbad header\r\n\r\n",
        "POST /m cp HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}\r\n\r\n",
    ] {
        let mut wire = served.wire().await;
        wire.send(junk).await;
        assert!([0, 400].contains(&wire.status().await), "{junk:?}");
    }
    served.is_well().await;
}

#[tokio::test]
async fn unknown_paths() {
    let served = Served::alone().await;
    for path in [
        "/",
        "/mcp/x",
        "/MCP",
        "/mcp//",
        "/%6dcp",
        "/mcp%2f",
        "/../mcp",
        "/manage/v1/unknown",
        "/manage/v1/health/",
    ] {
        assert_eq!(served.get(path).send().await.status, 404, "{path}");
    }
    assert_eq!(
        served.get("/mcp?x=%00").header("accept", "*/*").send().await.status,
        400
    );
    served.is_well().await;
}

#[tokio::test]
async fn huge_heads_are_refused() {
    let served = Served::alone().await;
    let mut wire = served.wire().await;
    wire.send(format!("{HEAD}x-huge: {}\r\n\r\n", "x".repeat(1 << 20)))
        .await;
    assert!([0, 431].contains(&wire.status().await));
    let mut wire = served.wire().await;
    wire.send(format!("{HEAD}{}\r\n", "x: y\r\n".repeat(5000))).await;
    assert!([0, 431].contains(&wire.status().await));
    served.is_well().await;
}

#[tokio::test]
async fn odd_header_values_are_no_reason_to_fail() {
    let (served, session) = session().await;
    let long = "x".repeat(8000);
    for (name, value) in [
        ("accept", "é"),
        ("accept", ",;,"),
        ("content-type", "é"),
        ("mcp-session-id", "é"),
        ("mcp-session-id", &long),
        ("mcp-protocol-version", "é"),
        ("mcp-protocol-version", &long),
    ] {
        let answered = session.post(PING).header(name, value).send().await;
        assert!(answered.status.as_u16() < 500, "{name}: {value}");
    }
    served.is_well().await;
}

#[tokio::test]
async fn odd_ids_come_back_and_names_may_have_any_length() {
    let (_served, session) = session().await;
    let odd = json!("é\u{0}\"".repeat(100));
    let answered = session
        .ask_as(odd.clone(), &"m".repeat(100_000), json!({}))
        .send()
        .await;
    assert_eq!((answered.message()["id"] == odd, answered.code()), (true, -32601));
}

#[tokio::test]
async fn requests_sent_ahead_are_answered_in_order() {
    let (served, session) = session().await;
    let mut wire = served.wire().await;
    for id in 1..=20 {
        let body = PING.replace('1', &id.to_string());
        let rest = format!(
            "mcp-session-id: {}\r\ncontent-length: {}\r\n\r\n{body}",
            session.id,
            body.len()
        );
        wire.send(format!(
            "{HEAD}{}{rest}",
            if id == 20 { "connection: close\r\n" } else { "" }
        ))
        .await;
    }
    let all = crate::support::soon("the end", wire.end()).await;
    let ids: Vec<Value> = all
        .split("\r\n\r\n")
        .filter_map(|part| part.lines().find(|line| line.starts_with('{')))
        .map(|line| serde_json::from_str::<Value>(line.split("HTTP/").next().unwrap()).unwrap()["id"].clone())
        .collect();
    assert_eq!(ids, (1..=20).map(Value::from).collect::<Vec<_>>());
}
