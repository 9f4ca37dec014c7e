//! `logs`, at a gateway that says what the test wants, and at a real one.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use super::world::{World, eventually};

const KEPT: &str = r#"{"name":"odd","lines":[{"number":7,"timestamp":"2026-02-23T12:00:00.5Z","pid":42,"line":"one"},{"number":8,"timestamp":"2026-02-23T12:00:01Z","pid":null,"line":"two"}],"forgotten":6,"last_event_id":"a-8"}"#;
const MORE: &str = r#"{"number":9,"timestamp":"2026-02-23T12:00:02Z","pid":42,"line":"three"}"#;
const GONE: &str = r#"{"error":"not_found","message":"no backend is called `odd`","details":null}"#;

/// Answers one request after the other, each on a connection of its own, and gives what was asked.
pub(super) fn stand_in(answers: Vec<(&'static str, &'static str, String)>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let answer = |(status, kind, body): (&str, &str, String)| {
            let (mut socket, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let length = socket.read(&mut request).unwrap();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}",
                body.len()
            );
            write!(socket, "{head}\r\nConnection: close\r\n\r\n{body}").unwrap();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let last = request.lines().find(|line| line.starts_with("last-event-id"));
            let first = request.lines().next().unwrap();
            format!("{first} {}", last.unwrap_or_default()).trim_end().to_owned()
        };
        answers.into_iter().map(answer).collect()
    });
    (url, asked)
}

#[test]
fn lines_are_printed_and_followed_until_the_backend_is_gone() {
    let world = World::new();
    let kept = || ("200 OK", "application/json", KEPT.to_owned());
    let (url, asked) = stand_in(vec![kept(), kept()]);
    assert_eq!(
        world.answer(&["logs", "odd", "--tail", "2", "--url", &url]),
        "2026-02-23 12:00:00Z  [42] one\n2026-02-23 12:00:01Z  two\n"
    );
    assert_eq!(
        world.answer(&["logs", "odd", "--json", "--url", &url]),
        format!("{KEPT}\n")
    );
    let path = "GET /manage/v1/backends/odd/logs";
    assert_eq!(
        asked.join().unwrap(),
        [format!("{path}?tail=2 HTTP/1.1"), format!("{path} HTTP/1.1")]
    );

    let more = ("200 OK", "text/event-stream", format!("id: a-9\ndata: {MORE}\n\n"));
    let gone = ("404 Not Found", "application/json", GONE.to_owned());
    let (url, asked) = stand_in(vec![kept(), more, gone]);
    let said = world.run(&["logs", "odd", "-f", "--json", "--url", &url]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout.ends_with(&format!("\"line\":\"two\"}}\n{MORE}\n")),
        "{said:?}"
    );
    assert!(
        said.stderr.contains("trying again\nerror: no backend is called `odd`"),
        "{said:?}"
    );
    assert_eq!(
        asked.join().unwrap(),
        [
            format!("{path} HTTP/1.1"),
            format!("{path}/stream HTTP/1.1 last-event-id: a-8"),
            format!("{path}/stream HTTP/1.1 last-event-id: a-9"),
        ]
    );
}

#[test]
fn what_a_process_writes_is_shown() {
    let world = World::new();
    let program = env!("CARGO_BIN_EXE_argus-mcp");
    let talks = format!("echo one >&2; echo two >&2; exec {program} example echo");
    world.place().write(
        "config.yaml",
        &format!("server: {{port: 0}}\nbackends: {{echo: {{type: stdio, command: sh, args: [-c, \"{talks}\"]}}}}\n"),
    );
    world.ready(&[]);
    eventually("both lines are there", || {
        let said = world.answer(&["logs", "echo"]);
        let texts: Vec<&str> = said.lines().filter_map(|line| line.split("] ").nth(1)).collect();
        texts.contains(&"one") && texts.contains(&"two")
    });
}
