//! Requests that no well-meaning client makes: none is answered wrongly, none costs more than it may.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Served, soon};

/// What a request is answered with: the status and the rest, when the connection is closed after it.
async fn answered(served: &Served, request: impl AsRef<[u8]>) -> (u16, String) {
    let mut wire = served.wire().await;
    wire.send(request).await;
    let answer = soon("an answer", wire.end()).await;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_default(), answer)
}

fn head(method: &str, path: &str, more: &str) -> String {
    format!("{method} /manage/v1/{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n")
}

fn with_body(path: &str, body: &str) -> String {
    format!(
        "{}{body}",
        head("POST", path, &format!("content-length: {}\r\n", body.len()))
    )
}

/// Every path of the document, with its methods.
pub(super) async fn paths(served: &Served) -> Vec<(String, Vec<String>)> {
    let document = served.get("/manage/v1/openapi.json").send().await.message();
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = |item: &Value| item.as_object().unwrap().keys().cloned().collect();
    paths
        .map(|(path, item)| (path.trim_start_matches('/').replace("{name}", "x"), methods(item)))
        .collect()
}

#[tokio::test]
async fn each_path_is_for_its_methods_only() {
    let served = Served::alone().await;
    for (path, methods) in paths(&served).await {
        for method in ["OPTIONS", "TRACE", "PATCH", "DELETE", "FOO", "get"] {
            let (status, answer) = answered(&served, head(method, &path, "")).await;
            assert_eq!(status, 405, "{method} {path}: {answer}");
            assert!(
                answer.contains("\"method_not_allowed\"") && answer.contains("\r\nallow: "),
                "{answer}"
            );
        }
        let (status, answer) = answered(&served, head("HEAD", &path, "")).await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            status == 405,
            !methods.contains(&"get".to_owned()),
            "HEAD {path}: {answer}"
        );
        assert_eq!(body, "", "HEAD {path}");
    }
}

#[tokio::test]
async fn one_host_counts() {
    let served = Served::alone().await;
    let of = |target: &str, hosts: &str| format!("GET {target} HTTP/1.1\r\n{hosts}connection: close\r\n\r\n");
    let own = "/manage/v1/status";
    for (target, hosts, expected) in [
        (own, "host: localhost\r\n", 200),
        (own, "host: localhost\r\nhost: evil.example\r\n", 403),
        (own, "host: localhost\r\nhost: localhost\r\n", 403),
        (own, "", 403),
        ("http://evil.example/manage/v1/status", "host: localhost\r\n", 403),
        ("http://localhost/manage/v1/status", "host: localhost\r\n", 200),
    ] {
        let (status, answer) = answered(&served, of(target, hosts)).await;
        assert_eq!(status, expected, "{target} {hosts:?}: {answer}");
    }
}

#[tokio::test]
async fn odd_targets_are_not_found_or_refused() {
    let served = Served::alone().await;
    for (method, path, expected) in [
        ("GET", "status/", 404),
        ("GET", "/status", 404),
        ("GET", "../v1/status", 404),
        ("GET", "%73tatus", 404),
        ("POST", "reauth/a%2fb", 404),
        ("POST", "reauth/%00", 404),
        ("POST", "reauth/%ff%fe", 400),
        ("POST", "reauth/a/b", 404),
        ("GET", "events?limit=1&limit=2", 400),
        ("GET", "events?limit=99999999999999999999999", 400),
        ("GET", "events?limit=+5", 400),
        ("GET", "events?since=9999-12-31T23:59:59Z", 400),
        ("GET", "events?since=-009999-01-01T00:00:00Z", 400),
        ("GET", "events?since=2026-02-30T00:00:00Z", 400),
        ("GET", "events?since=2026-01-01T00:00:00%2B99:99", 400),
        ("GET", "events?since=%00", 400),
    ] {
        let (status, answer) = answered(&served, head(method, path, "")).await;
        assert_eq!(status, expected, "{method} {path}: {answer}");
        assert!(
            answer.contains("\r\ncontent-type: application/json\r\n"),
            "{path}: {answer}"
        );
    }
    // These do not even become requests.
    let much = "x".repeat(600_000);
    for request in [
        head("GET", &format!("capabilities?search={much}"), ""),
        head("GET", "status", &format!("x: {much}\r\n")),
        head("GET", "status", &"x: y\r\n".repeat(200)),
    ] {
        assert_eq!(answered(&served, request).await.0, 431);
    }
    served.is_well().await;
}

#[tokio::test]
async fn odd_bodies_are_refused() {
    let served = Served::alone().await;
    let deep = format!(r#"{{"tool":"x","arguments":{{"a":{}}}}}"#, "[".repeat(500_000));
    for (path, body) in [
        ("tools/call", r#"{"tool":"x","tool":"y"}"#),
        ("tools/call", r#"{"tool":"x","arguments":{"a":1,"a":2}}"#),
        ("tools/call", &deep),
        ("tools/call", r#"{"tool":"\ud800"}"#),
        ("tools/call", "\u{feff}{\"tool\":\"x\"}"),
        ("shutdown", r#"{"timeout_seconds":1e400}"#),
        ("shutdown", r#"{"timeout_seconds":99999999999999999999}"#),
        ("shutdown", r#"{"timeout_seconds":1.5}"#),
        ("shutdown", r#"{"timeout_seconds":-1}"#),
    ] {
        let (status, answer) = answered(&served, with_body(path, body)).await;
        let shown = &body[..body.len().min(60)];
        assert_eq!(status, 400, "{path} {shown}: {answer}");
    }
    // What is asked for is not said back at length.
    let long = format!(r#"{{"tool":"{}"}}"#, "a".repeat(1_000_000));
    let (status, answer) = answered(&served, with_body("tools/call", &long)).await;
    assert!(status == 404 && answer.len() < 1000, "{status}: {} bytes", answer.len());
    served.is_well().await;
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let served = Served::alone().await;
    let chunk = format!("100000\r\n{}\r\n", "x".repeat(0x10_0000));
    for path in ["tools/call", "shutdown", "reload"] {
        let mut wire = served.wire().await;
        wire.send(head("POST", path, "transfer-encoding: chunked\r\n")).await;
        // A gigabyte, or what of it is taken.
        let sending = async {
            let mut sent = 0;
            while sent < 1024 && wire.try_send(&chunk).await {
                sent += 1;
            }
            sent
        };
        let sent = soon("the end of it", sending).await;
        assert!(sent < 64, "{sent} MiB were taken by {path}");
    }
    served.is_well().await;
}

#[tokio::test]
async fn requests_of_old_and_in_a_row() {
    let served = Served::alone().await;
    let old = "GET /manage/v1/health HTTP/1.0\r\nhost: localhost\r\n\r\n";
    let (status, answer) = answered(&served, old).await;
    assert!(status == 200 && answer.starts_with("HTTP/1.0 "), "{answer}");
    let one = "GET /manage/v1/health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let (_, answer) = answered(&served, format!("{}{}", one.repeat(100), head("GET", "ready", ""))).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 101);
}

#[tokio::test]
async fn whatever_was_read_last_the_rest_follows() {
    let served = Served::alone().await;
    let long = "x".repeat(5000);
    let request = |id: &[u8]| {
        let head = head("GET", "events/stream", "").trim_end().to_owned();
        [head.as_bytes(), b"\r\nlast-event-id: ", id, b"\r\n\r\n"].concat()
    };
    for id in [
        &b"\xff\xfe"[..],
        b"evt_",
        b"evt_ffffffffffffffffffffffffffffffff",
        b"0",
        long.as_bytes(),
    ] {
        let mut wire = served.wire().await;
        wire.send(request(id)).await;
        let mut said = String::new();
        let reading = async {
            while !said.contains("events_missed") {
                said.push_str(&wire.some().await);
            }
        };
        soon("what was missed", reading).await;
    }
}

#[tokio::test]
async fn a_crowd_at_the_stream_of_events_keeps_nobody_out() {
    let served = Served::with("server: {management: {max_event_streams: 5}}").await;
    let mut crowd = Vec::new();
    let mut taken = 0;
    for _ in 0..300 {
        let mut wire = served.wire().await;
        wire.send("GET /manage/v1/events/stream HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await;
        let status = wire.status().await;
        assert!(matches!(status, 200 | 503), "{status}");
        taken += usize::from(status == 200);
        crowd.push(wire);
    }
    assert_eq!(taken, 5);
    let began = Instant::now();
    assert_eq!(served.get("/manage/v1/status").send().await.status, 200);
    assert!(began.elapsed() < Duration::from_secs(20));
    drop(crowd);
    let again = async {
        while served.get("/manage/v1/events/stream").open().await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("a place is free again", again).await;
}
