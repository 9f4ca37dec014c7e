//! `POST /manage/v1/tools/call`, `resources/read` and `prompts/get`.

use std::time::Duration;

use http::Method;
use serde_json::json;

use super::health::DEAD;
use crate::support::{Answer, Backend, Call, Draft, Request, Served, Whole, until};

const RESULT: &str = r#"{"content":[{"type":"text","text":"a\u0041","x":1.0},{"type":"image","data":"AA==","mimeType":"image/png"},{"type":"audio","data":"AA==","mimeType":"audio/wav"},{"type":"resource_link","uri":"x://1","name":"x"},{"type":"resource","resource":{"uri":"x://1","blob":"AA=="}},{"type":"of tomorrow"}],"structuredContent":{"n":1e2,"b":2},"isError":true,"_meta":{"k":1.50}}"#;

fn request(served: &Served, path: &str, body: impl Into<Vec<u8>>) -> Request {
    served.request(Method::POST, &format!("/manage/v1/{path}")).body(body)
}

async fn tool(served: &Served, name: &str) -> Whole {
    request(served, "tools/call", json!({"tool": name}).to_string())
        .send()
        .await
}

/// A gateway with one backend, which has the tool `t`.
async fn with(draft: Draft, extra: &str) -> (Backend, Served) {
    let backend = draft.tools(&["t"]).start().await;
    let served = Served::backends(&[backend.yaml("one", extra)]).await;
    served.gateway.started().await;
    (backend, served)
}

fn error(answered: &Whole) -> (u16, String, String) {
    let body = answered.message();
    let text = |member: &str| body[member].as_str().unwrap().to_owned();
    (answered.status.as_u16(), text("error"), text("message"))
}

#[tokio::test]
async fn a_tool_answers_everything_that_it_answers_over_mcp() {
    for draft in [Backend::legacy(), Backend::modern()] {
        let (backend, served) = with(draft.on("tools/call", |_| async { RESULT }), "").await;
        let body = r#"{"tool":"t","arguments":{"n":1.0,"list":[1, 2]}}"#;
        let answered = request(&served, "tools/call", body).send().await;
        assert_eq!(answered.status, 200, "{}", answered.body);
        let content = &RESULT[r#"{"content":"#.len()..RESULT.find(r#","structuredContent""#).unwrap()];
        for part in [
            content,
            r#""structuredContent":{"n":1e2,"b":2}"#,
            r#""isError":true"#,
            r#""k":1.50"#,
        ] {
            assert!(answered.body.contains(part), "{part} is not in {}", answered.body);
        }
        let message = answered.message();
        assert_eq!((&message["tool"], &message["backend"]), (&json!("t"), &json!("one")));
        let seen = backend.first("tools/call").await;
        assert!(
            seen.text.contains(r#""arguments":{"n":1.0,"list":[1, 2]}"#),
            "{}",
            seen.text
        );
    }
}

#[tokio::test]
async fn arguments_are_optional_and_a_plain_result_is_short() {
    let (backend, served) = with(
        Backend::legacy().result("tools/call", json!({"content": []})),
        ", tool_overrides: {t: {name: better}}",
    )
    .await;
    let mut answered = tool(&served, "better").await.message();
    answered.as_object_mut().unwrap().remove("_meta");
    assert_eq!(
        answered,
        json!({"tool": "better", "backend": "one", "content": [], "isError": false})
    );
    let params = backend.first("tools/call").await.message["params"].clone();
    assert_eq!((&params["name"], params.get("arguments")), (&json!("t"), None));
}

#[tokio::test]
async fn resources_and_prompts() {
    let contents = r#"{"contents":[{"uri":"x://1","mimeType":"text/plain","text":"1","n":1.0}]}"#;
    let messages = r#"{"description":"d","messages":[{"role":"user","content":{"type":"text","text":"1","n":1.0}}]}"#;
    let one = Backend::legacy()
        .resources(&["x://1"])
        .prompts(&["p"])
        .on("resources/read", move |_| async move { contents })
        .on("prompts/get", move |_| async move { messages })
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    let read = request(&served, "resources/read", r#"{"uri":"x://1"}"#).send().await;
    assert!(read.body.contains(&contents[1..contents.len() - 1]), "{}", read.body);
    assert_eq!(
        (&read.message()["uri"], &read.message()["backend"]),
        (&json!("x://1"), &json!("one"))
    );
    let got = request(&served, "prompts/get", r#"{"prompt":"p","arguments":{"a":"b"}}"#)
        .send()
        .await;
    assert!(
        got.body
            .contains(r#""messages":[{"role":"user","content":{"type":"text","text":"1","n":1.0}}]"#),
        "{}",
        got.body
    );
    assert_eq!(
        (&got.message()["description"], &got.message()["backend"]),
        (&json!("d"), &json!("one"))
    );
    assert_eq!(
        one.first("prompts/get").await.message["params"]["arguments"],
        json!({"a": "b"})
    );
}

#[tokio::test]
async fn the_backend_of_a_resource_is_named_however_it_was_found() {
    let unknown = Backend::legacy()
        .on("resources/read", |_| async { Answer::error(-32002, "no") })
        .start()
        .await;
    let knows = |call: Call| async move {
        match call.params["uri"].as_str() {
            Some("y://1") => Answer::from(json!({"contents": []})),
            _ => Answer::error(-32002, "no"),
        }
    };
    let knows = Backend::legacy().on("resources/read", knows).start().await;
    let served = Served::backends(&[knows.yaml("knows", ""), unknown.yaml("unknown", "")]).await;
    let read = request(&served, "resources/read", r#"{"uri":"y://1"}"#).send().await;
    assert_eq!(read.message()["backend"], "knows", "{}", read.body);
    let missing = request(&served, "resources/read", r#"{"uri":"y://2"}"#).send().await;
    assert_eq!(
        (error(&missing).0, error(&missing).1.as_str()),
        (404, "not_found"),
        "{}",
        missing.body
    );
}

#[tokio::test]
async fn what_is_unknown_is_not_found() {
    let served = Served::alone().await;
    for (path, body) in [
        ("tools/call", r#"{"tool":"x"}"#),
        ("resources/read", r#"{"uri":"x"}"#),
        ("prompts/get", r#"{"prompt":"x"}"#),
    ] {
        let (status, name, message) = error(&request(&served, path, body).send().await);
        assert_eq!((status, name.as_str()), (404, "not_found"), "{path}");
        assert!(
            message.contains("`x`") && message.contains("/manage/v1/capabilities"),
            "{message}"
        );
    }
    let long = json!({"uri": "x".repeat(10_000)}).to_string();
    let (status, _, message) = error(&request(&served, "resources/read", long).send().await);
    assert!(status == 404 && message.len() < 300, "{message}");
}

#[tokio::test]
async fn malformed_bodies_are_refused_with_the_place() {
    let (backend, served) = with(Backend::legacy(), "").await;
    for (body, place) in [
        ("", "line 1 column 0"),
        (r#"["t"]"#, "line 1 column 1"),
        (" 5", "line 1 column 1"),
        ("{\"tool\":\n 5}", "line 2 column"),
        ("{}", "missing field `tool`"),
        (r#"{"tool":"t","args":{}}"#, "unknown field `args`"),
        (r#"{"tool":"t","arguments":[]}"#, "`arguments`"),
        (r#"{"tool":"t","arguments":"x"}"#, "`arguments`"),
        (r#"{"tool":"t"} x"#, "line 1 column"),
        (r#"{"tool":"t","tool":"u"}"#, "duplicate field"),
    ] {
        let (status, name, message) = error(&request(&served, "tools/call", body).send().await);
        assert_eq!((status, name.as_str()), (400, "bad_request"), "{body}");
        assert!(message.contains(place), "{body}: {message}");
    }
    let deep = format!(
        r#"{{"tool":"t","arguments":{{"a":{}{}}}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    let (status, _, message) = error(&request(&served, "tools/call", deep).send().await);
    assert!(status == 400 && message.contains("deeper than 127"), "{message}");
    assert!(backend.seen("tools/call").is_empty());
}

#[tokio::test]
async fn a_body_is_bounded() {
    let served = Served::with("server: {max_body_bytes: 4096}").await;
    let body = json!({"tool": "x".repeat(5000)}).to_string();
    for path in ["tools/call", "resources/read", "prompts/get", "shutdown"] {
        let (status, name, message) = error(&request(&served, path, body.clone()).send().await);
        assert_eq!((status, name.as_str()), (413, "payload_too_large"), "{path}");
        assert!(message.contains("server.max_body_bytes"), "{message}");
    }
}

#[tokio::test]
async fn a_call_that_fails_says_what_the_backend_says() {
    let fails = |_| async { Answer::Error(r#"{"code":-32050,"message":"out of paper","data":{"tray":2}}"#.to_owned()) };
    for draft in [Backend::legacy(), Backend::modern()] {
        let (_backend, served) = with(draft.on("tools/call", fails), "").await;
        let answered = tool(&served, "t").await;
        assert_eq!(
            error(&answered),
            (502, "call_failed".to_owned(), "out of paper".to_owned())
        );
        assert_eq!(
            answered.message()["details"],
            json!({"code": -32050, "message": "out of paper", "data": {"tray": 2}})
        );
    }
}

#[tokio::test]
async fn a_backend_that_is_away_or_slow_is_told_apart() {
    let (backend, served) = with(Backend::legacy().silent("tools/call"), ", timeouts: {call: 0.3}").await;
    let (status, name, message) = error(&tool(&served, "t").await);
    assert_eq!((status, name.as_str()), (504, "backend_timeout"), "{message}");
    assert!(message.contains("`one`"), "{message}");
    backend.set_dead(true);
    let (status, name, message) = error(&tool(&served, "t").await);
    assert_eq!((status, name.as_str()), (503, "backend_unavailable"), "{message}");
    assert!(message.contains("`one`"), "{message}");
    let dead = Served::backends(&[DEAD.to_owned()]).await;
    assert_eq!(error(&tool(&dead, "t").await).0, 404, "nobody knows the tool");
}

#[tokio::test]
async fn questions_of_the_backend_are_refused() {
    let asks = |call: Call| async move {
        let answered = call
            .ask(
                "q1",
                "elicitation/create",
                json!({"message": "who?", "requestedSchema": {}}),
            )
            .await;
        json!({"content": [], "structuredContent": answered["error"]})
    };
    let (_backend, served) = with(Backend::legacy().on("tools/call", asks), "").await;
    let answered = tool(&served, "t").await.message();
    assert_eq!(answered["structuredContent"]["code"], -32601, "{answered}");
    let wants = json!({"resultType": "input_required", "inputRequests": {}, "requestState": "x"});
    let (_backend, served) = with(Backend::modern().result("tools/call", wants), "").await;
    let (status, name, message) = error(&tool(&served, "t").await);
    assert_eq!((status, name.as_str()), (502, "call_failed"), "{message}");
    assert!(message.contains("input_required"), "{message}");
}

#[tokio::test]
async fn whoever_goes_away_cancels_the_call() {
    let (backend, served) = with(Backend::modern().silent("tools/call"), "").await;
    let body = r#"{"tool":"t"}"#;
    let mut wire = served.wire().await;
    let head = format!(
        "POST /manage/v1/tools/call HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n",
        served.address,
        body.len()
    );
    wire.send(format!("{head}{body}")).await;
    backend.first("tools/call").await;
    assert_eq!(backend.given_up(), 0);
    drop(wire);
    until("the call is cancelled", || backend.given_up() == 1).await;
}

#[tokio::test]
async fn what_is_not_a_post_is_refused() {
    let served = Served::alone().await;
    for path in ["tools/call", "resources/read", "prompts/get", "shutdown"] {
        let answered = served.get(&format!("/manage/v1/{path}")).send().await;
        assert_eq!(
            (answered.status.as_u16(), &answered.headers["allow"]),
            (405, &"POST".parse().unwrap()),
            "{path}"
        );
    }
    tokio::time::timeout(Duration::from_secs(20), served.is_well())
        .await
        .unwrap();
}
