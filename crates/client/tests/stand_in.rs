//! The client at a gateway that says what a test wants.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail at any place"
)]

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use argus_client::{Address, Client, Error, EventQuery, Followed};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures::StreamExt;
use http::StatusCode;

/// What is to be answered, one after the other, and what was asked.
#[derive(Clone, Default)]
struct StandIn {
    answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    async fn start(answers: &[(u16, &'static str)]) -> (Self, Client) {
        let stand_in = Self::default();
        stand_in.answers.lock().unwrap().extend(answers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: Address = format!("{}/mcp", listener.local_addr().unwrap()).parse().unwrap();
        let router = Router::new().fallback(answer).with_state(stand_in.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let client = Client::new(address, Some(&"s3cret".into())).unwrap();
        (stand_in, client)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn header(request: &Request, name: &str) -> String {
    let value = request.headers().get(name).map(|value| value.to_str().unwrap());
    value.unwrap_or("-").to_owned()
}

async fn answer(State(stand_in): State<StandIn>, request: Request) -> Response {
    let (last, authorization) = (header(&request, "last-event-id"), header(&request, "authorization"));
    assert_eq!(authorization, "Bearer s3cret");
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let body = axum::body::to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let body = std::str::from_utf8(&body).unwrap();
    let asked = format!("{method} {uri} {last} {body}");
    stand_in.asked.lock().unwrap().push(asked.trim_end().to_owned());
    let (status, text) = stand_in.answers.lock().unwrap().pop_front().unwrap_or((500, ""));
    let kind = match text.starts_with('{') {
        true => "application/json",
        false => "text/event-stream",
    };
    Response::builder()
        .status(status)
        .header("content-type", kind)
        .body(Body::from(text))
        .unwrap()
}

const LINES: &str = "id: a-7\ndata: {\"number\":7,\"timestamp\":\"t\",\"pid\":1,\"line\":\"a\"}\n\n: heartbeat\n\nid: a-8\ndata: {\"number\":8,\"timestamp\":\"t\",\"pid\":null,\"line\":\"b\",\"later\":1}\n\nid: a-9\ndata: {\"num";

#[tokio::test]
async fn a_stream_goes_on_where_it_broke() {
    let more =
        "event: heartbeat\ndata: {}\n\nid: b-1\ndata: {\"number\":1,\"timestamp\":\"t\",\"pid\":1,\"line\":\"c\"}\n\n";
    let busy = r#"{"error":"service_unavailable","message":"too many","details":null}"#;
    let gone = r#"{"error":"not_found","message":"no backend is called `x`","details":null}"#;
    // What a proxy says while the gateway is away.
    let (page, limited) = ("<html>502 Bad Gateway</html>", r#"{"error":"slow down"}"#);
    let away = [(503, busy), (502, page), (429, limited)];
    let mut answers = vec![(200, LINES)];
    answers.extend(away);
    answers.extend([(200, more), (404, gone)]);
    let (stand_in, client) = StandIn::start(&answers).await;
    let mut stream = pin!(client.follow_logs("my server", Some("a-6".to_owned())));
    let mut told = Vec::new();
    let end = loop {
        match stream.next().await.unwrap() {
            Ok(Followed::Item(item)) => told.push(item.line.clone()),
            Ok(Followed::Lost(error)) => told.push(format!("lost: {}", error.may_pass())),
            Ok(Followed::Back) => told.push("back".to_owned()),
            Err(error) => break error,
        }
    };
    assert_eq!(told, ["a", "b", "lost: true", "back", "c", "lost: true"]);
    assert_eq!(end.to_string(), "no backend is called `x`");
    assert!(stream.next().await.is_none());
    let path = "GET /manage/v1/backends/my%20server/logs/stream";
    let mut asked = vec![format!("{path} a-6")];
    asked.extend(vec![format!("{path} a-8"); away.len() + 1]);
    asked.push(format!("{path} b-1"));
    assert_eq!(stand_in.asked(), asked);
}

#[tokio::test]
async fn a_stream_that_cannot_begin_ends_with_the_reason() {
    let refused = r#"{"error":"unauthorized","message":"m","details":null}"#;
    let (_, client) = StandIn::start(&[(401, refused), (502, "<html>")]).await;
    let mut stream = pin!(client.follow_events(None));
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(matches!(error, Error::WrongToken { .. }), "{error}");
    assert_eq!(error.refusal(), Some(refused));
    assert!(stream.next().await.is_none());
    // At the beginning also what may pass: perhaps nothing was ever there.
    let mut stream = pin!(client.follow_events(None));
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.may_pass() && error.to_string().contains("502"), "{error}");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn failures_with_an_answer_are_answers() {
    let failed = r#"{"name":"a","reconnected":false,"error":"it is away"}"#;
    let acted = r#"{"name":"a","action":"restarted","ok":false,"error":"it is away"}"#;
    let unready = r#"{"ready":false,"reason":"backends not connected"}"#;
    let conflict = r#"{"error":"conflict","message":"it is disabled","details":null}"#;
    let answers = [(502, failed), (502, acted), (503, unready), (409, conflict)];
    let (stand_in, client) = StandIn::start(&answers).await;
    let answer = client.reconnect("a").await.unwrap();
    assert_eq!((answer.reconnected, answer.text()), (false, failed));
    assert_eq!(client.restart("a").await.unwrap().error.as_deref(), Some("it is away"));
    assert!(!client.ready().await.unwrap().ready);
    let error = client.enable("a").await.unwrap_err();
    assert!(matches!(&error, Error::Refused { status: StatusCode::CONFLICT, name, .. } if name == "conflict"));
    assert_eq!(error.to_string(), "it is disabled");
    assert_eq!(error.refusal(), Some(conflict));
    assert_eq!(
        stand_in.asked(),
        [
            "POST /manage/v1/reconnect/a -",
            "POST /manage/v1/backends/a/restart -",
            "GET /manage/v1/ready -",
            "POST /manage/v1/backends/a/enable -",
        ]
    );
}

#[tokio::test]
async fn what_is_asked_is_as_the_api_has_it() {
    let said =
        r#"{"tool":"t","backend":"b","content":[{"type":"text","text":"a","n":1.0}],"isError":false,"later":1e2}"#;
    let answers = [
        (200, said),
        (200, r#"{"events":[]}"#),
        (200, r#"{"shutting_down":true}"#),
    ];
    let (stand_in, client) = StandIn::start(&answers).await;
    let arguments = serde_json::value::RawValue::from_string(r#"{"n": 1.0}"#.to_owned()).unwrap();
    let answer = client.call_tool("t", Some(arguments)).await.unwrap();
    assert_eq!(answer.text(), said, "as it was written");
    assert_eq!(answer.content.get(), r#"[{"type":"text","text":"a","n":1.0}]"#);
    let query = EventQuery {
        limit: Some(3),
        since: Some("2026-02-23T12:00:00+01:00"),
        severity: Some(argus_api::Severity::Warning),
    };
    client.events(&query).await.unwrap();
    client.shutdown(Some(5)).await.unwrap();
    assert_eq!(
        stand_in.asked(),
        [
            r#"POST /manage/v1/tools/call - {"tool":"t","arguments":{"n": 1.0}}"#,
            "GET /manage/v1/events?limit=3&since=2026-02-23T12%3A00%3A00%2B01%3A00&severity=warning -",
            r#"POST /manage/v1/shutdown - {"timeout_seconds":5}"#,
        ]
    );
}

#[tokio::test]
async fn the_token_is_never_shown() {
    let (_, client) = StandIn::start(&[(500, "s"), (200, "{}")]).await;
    assert!(!format!("{client:?}").contains("s3cret"));
    let none = client.status().await.unwrap_err();
    assert!(matches!(none, Error::NotArgus { .. }), "{none}");
    let other = client.status().await.unwrap_err();
    assert!(matches!(other, Error::NotArgus { .. }), "{other}");
    assert!(!format!("{none:?} {other:?} {none} {other}").contains("s3cret"));
    let wrong = Client::new(client.address().clone(), Some(&"s3cret\n".into())).unwrap_err();
    assert!(!format!("{wrong:?} {wrong}").contains("s3cret"));
}

#[tokio::test]
async fn nobody_there_is_said_with_what_to_do() {
    let free = argus_testkit::unused_port();
    let client = Client::new(format!("127.0.0.1:{free}").parse().unwrap(), None).unwrap();
    let error = client.health().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }) && error.is_unreachable());
    assert!(error.to_string().contains("argus-mcp status"), "{error}");
}
