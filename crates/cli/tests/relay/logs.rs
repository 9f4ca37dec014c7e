//! What the processes of backends write for people, as operators see it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use argus_testkit::{Journal, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::reload::{manage, reload};
use crate::revival::restarted;
use crate::world::{Running, World, tool};

const SOON: Duration = Duration::from_secs(10);
const SAYS: &str = r#"{"tools/call say": [{"stderr": "said s3cret-key \u001b[31mred"}, {"result": {"content": []}}], "tools/call junk": [{"line": "no message s3cret-key"}, {"result": {"content": []}}]}"#;

/// A backend `odd` that says something when it is told to, and knows a secret.
fn saying() -> (World, Journal) {
    let mut world = World::new();
    let script = world.script("odd", SAYS);
    let journal = world.stdio("odd", &["verbatim", "--script", &script]);
    world.backend("odd", "env", json!({"KEY": "s3cret-key"}));
    (world, journal)
}

fn logs(running: &Running, name: &str, tail: usize) -> Value {
    let (status, body) = manage(running, "GET", &format!("backends/{name}/logs?tail={tail}"));
    assert_eq!(status, 200, "{body}");
    assert!(!body.to_string().contains("s3cret"), "{body}");
    body
}

fn texts(logs: &Value) -> Vec<&str> {
    let lines = logs["lines"].as_array().unwrap();
    lines.iter().map(|line| line["line"].as_str().unwrap()).collect()
}

async fn has(running: &Running, text: &str, times: usize) {
    let all = || {
        texts(&logs(running, "odd", 1000))
            .iter()
            .filter(|line| **line == text)
            .count()
    };
    let had = until(SOON, || all() == times).await;
    assert!(had, "{}", logs(running, "odd", 1000));
}

/// The number in an id of the stream.
fn number(id: &str) -> u64 {
    id.split_once('-').unwrap().1.parse().unwrap()
}

/// A stream of log lines, read line by line.
struct Follower(BufReader<TcpStream>);

impl Follower {
    fn open(running: &Running, path: &str, last: Option<&str>) -> Self {
        let mut wire = TcpStream::connect(("127.0.0.1", running.port())).unwrap();
        wire.set_read_timeout(Some(SOON)).unwrap();
        let last = last
            .map(|last| format!("Last-Event-ID: {last}\r\n"))
            .unwrap_or_default();
        let head = format!("GET /manage/v1/backends/{path} HTTP/1.1\r\nHost: localhost\r\n{last}\r\n");
        wire.write_all(head.as_bytes()).unwrap();
        let mut follower = Self(BufReader::new(wire));
        let head = follower.line();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        while !follower.line().trim().is_empty() {}
        follower
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the stream ended");
        line
    }

    /// The next event: its id and its data.
    fn next(&mut self) -> (String, Value) {
        let id = loop {
            if let Some(id) = self.line().strip_prefix("id: ") {
                break id.trim().to_owned();
            }
        };
        let data = self.line();
        let data = data.strip_prefix("data: ").unwrap();
        assert!(!data.contains("s3cret"), "{data}");
        (id, serde_json::from_str(data).unwrap())
    }
}

const SAID: &str = "said ***REDACTED*** \\u{1b}[31mred";

#[tokio::test]
async fn lines_are_kept_over_restarts_and_reloads_without_secrets() {
    let (world, journal) = saying();
    let mut running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("say", "{}")).await;
    has(&running, SAID, 1).await;
    client.result("tools/call", &tool("junk", "{}")).await;
    has(&running, "stdout: no message ***REDACTED***", 1).await;
    let first = logs(&running, "odd", 1000);
    let pid = first["lines"][0]["pid"].as_u64().unwrap();
    assert_eq!(
        (&first["lines"][0]["number"], &first["forgotten"], &first["name"]),
        (&json!(1), &json!(0), &json!("odd"))
    );
    assert_eq!(u64::from(journal.messages("tools/call")[0].pid), pid);

    // Another process of it goes on where the first one ended.
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
    let began = Instant::now();
    while !client
        .call("tools/call", &tool("say", "{}"))
        .await
        .contains("\"result\"")
    {
        assert!(began.elapsed() < SOON, "it does not come back");
    }
    has(&running, SAID, 2).await;
    let second = logs(&running, "odd", 1);
    assert_eq!(second["lines"][0]["number"], 3);
    assert_ne!(second["lines"][0]["pid"], first["lines"][0]["pid"]);

    // So does another definition under the same name, whose secrets are other ones.
    running.world().backend("odd", "env", json!({"KEY": "\u{1b}[31mred"}));
    running.rewrite();
    reload(&running);
    let client = running.plain().await;
    client.result("tools/call", &tool("junk", "{}")).await;
    let all = || manage(&running, "GET", "backends/odd/logs").1;
    assert!(
        until(SOON, || all()["lines"].as_array().unwrap().len() == 4).await,
        "{}",
        all()
    );
    assert_eq!(all()["lines"][3]["line"], "stdout: no message s3cret-key");
    running.stop();
}

#[tokio::test]
async fn junk_on_stdout_drives_out_nothing_and_floods_no_log() {
    let mut world = World::new();
    let cut = format!("{}s3cret-key", "x".repeat(192));
    let mut flood = vec![json!({"stderr": "important"}), json!({"line": cut})];
    flood.extend((0..3000).map(|number| json!({"line": format!("junk {number} \u{1b}[31m\u{7}\u{202e}")})));
    flood.push(json!({"result": {"content": []}}));
    let script = world.script("odd", &json!({"tools/call flood": flood}).to_string());
    world.stdio("odd", &["verbatim", "--script", &script]);
    world.backend("odd", "env", json!({"KEY": "s3cret-key"}));
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("flood", "{}")).await;
    let left_out = || {
        let all = logs(&running, "odd", 1000);
        let told = texts(&all)
            .iter()
            .any(|line| line.contains("lines of stdout were left out here"));
        told && texts(&all).contains(&"important")
    };
    assert!(until(SOON, left_out).await, "{}", logs(&running, "odd", 1000));
    running.says("***REDAC…");
    let said = running.says("junk 0 ");
    let warned = said
        .lines()
        .filter(|line| line.contains("the backend writes junk"))
        .count();
    assert!((1..500).contains(&warned), "{warned} warnings");
    assert!(!said.contains("s3cret"), "{said}");
    let steers = ['\u{1b}', '\u{7}', '\u{202e}'];
    let raw = said
        .lines()
        .find(|line| line.contains("junk 0") && line.contains(steers));
    assert_eq!(raw, None);
    running.stop();
}

#[tokio::test]
async fn who_follows_hears_each_line_once_and_goes_on_after_a_break() {
    let (world, _) = saying();
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("say", "{}")).await;
    has(&running, SAID, 1).await;
    let mut fresh = Follower::open(&running, "odd/logs/stream", None);
    let mut with_tail = Follower::open(&running, "odd/logs/stream?tail=10", None);
    assert_eq!(number(&with_tail.next().0), 1);
    client.result("tools/call", &tool("say", "{}")).await;
    let (id, line) = fresh.next();
    assert_eq!(
        (number(&id), &line["line"], &line["number"]),
        (2, &json!(SAID), &json!(2))
    );
    assert_eq!(with_tail.next().0, id, "the same for all");
    drop(fresh);
    client.result("tools/call", &tool("say", "{}")).await;
    client.result("tools/call", &tool("say", "{}")).await;
    has(&running, SAID, 4).await;
    let mut again = Follower::open(&running, "odd/logs/stream", Some(&id));
    assert_eq!((number(&again.next().0), number(&again.next().0)), (3, 4));
    // What is no place in this log.
    for odd in ["77", "2", "0000000000000007-2"] {
        let mut lost = Follower::open(&running, "odd/logs/stream", Some(odd));
        assert_eq!(number(&lost.next().0), 1, "{odd}");
    }
    running.stop();
}

#[tokio::test]
async fn no_line_is_lost_over_a_restart_of_the_gateway() {
    let (world, _) = saying();
    let running = world.start();
    // Who asked before the first line has a place, too.
    let none = logs(&running, "odd", 0)["last_event_id"].as_str().unwrap().to_owned();
    let client = running.plain().await;
    let mut follower = Follower::open(&running, "odd/logs/stream", Some(&none));
    for _ in 0..3 {
        client.result("tools/call", &tool("say", "{}")).await;
        follower.next();
    }
    has(&running, SAID, 3).await;
    let third = logs(&running, "odd", 0)["last_event_id"].as_str().unwrap().to_owned();
    assert_eq!((number(&none), number(&third)), (0, 3));
    drop((follower, client));

    let running = restarted(running, false);
    let client = running.plain().await;
    for _ in 0..4 {
        client.result("tools/call", &tool("say", "{}")).await;
    }
    has(&running, SAID, 4).await;
    // The numbers begin anew, and no line of the new process counts as heard.
    for last in [&none, &third] {
        let mut follower = Follower::open(&running, "odd/logs/stream", Some(last));
        let all: Vec<u64> = (0..4).map(|_| number(&follower.next().0)).collect();
        assert_eq!(all, [1, 2, 3, 4], "{last}");
    }
    running.stop();
}

#[tokio::test]
async fn a_flood_is_bounded_and_holds_up_nothing() {
    let mut world = World::new();
    world.stdio("odd", &["floods-stderr"]);
    let running = world.start();
    let client = running.plain().await;
    let mut follower = Follower::open(&running, "odd/logs/stream", None);
    // It reads nothing, for a while.
    let left_out = || {
        let all = logs(&running, "odd", 1000);
        let found = texts(&all).iter().any(|line| line.contains("lines were left out here"));
        (found, all["lines"].as_array().unwrap().len(), all.to_string().len())
    };
    assert!(until(SOON, || left_out().0).await);
    let (_, lines, bytes) = left_out();
    assert!(lines <= 1000 && bytes < (256 << 10) * 2, "{lines} lines, {bytes} bytes");
    for _ in 0..20 {
        let began = Instant::now();
        client.result("tools/call", &tool("hello", "{}")).await;
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
    let (id, line) = follower.next();
    assert_eq!(line["number"], number(&id));
    let forgotten = logs(&running, "odd", 0)["forgotten"].as_u64().unwrap();
    assert!(forgotten > 0);
    running.stop();
}

#[tokio::test]
async fn a_process_behind_a_url_is_heard_too() {
    let mut world = World::new();
    let script = world.script("odd", SAYS);
    world.sse_started("odd", &["verbatim", "--script", &script]);
    world.backend("odd", "env", json!({"KEY": "s3cret-key"}));
    let running = world.start();
    let client = running.plain().await;
    client.result("tools/call", &tool("say", "{}")).await;
    has(&running, SAID, 1).await;
    running.stop();
}
