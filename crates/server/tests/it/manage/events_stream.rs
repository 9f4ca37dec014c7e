//! `GET /manage/v1/events/stream`.

use std::time::{Duration, Instant};

use argus_gateway::events::{News, Stage};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Backend, Open, Served, Session, pass, soon, until};

const PATH: &str = "/manage/v1/events/stream";

fn publish(served: &Served, text: &str) {
    served.gateway.events().publish(News::info(Stage::Status, text));
}

async fn after(served: &Served, last: &str) -> Open {
    served.get(PATH).header("last-event-id", last).open().await
}

/// Opens a stream and reads nothing but the head. What can be under way to it is little.
async fn slow_reader(served: &Served) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(served.address).await.unwrap();
    let request = format!("GET {PATH} HTTP/1.1\r\nhost: {}\r\n\r\n", served.address);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    soon("the head", stream.read_exact(&mut head)).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    stream
}

/// More than can be under way to a reader that is slow.
fn publish_much(served: &Served) {
    for _ in 0..2500 {
        let news = News::info(Stage::Status, "x".repeat(900));
        served.gateway.events().publish(news.with("much", "x".repeat(4000)));
    }
}

#[tokio::test]
async fn events_come_as_they_happen() {
    let served = Served::alone().await;
    let mut stream = served.get(PATH).open().await;
    assert_eq!(stream.status, 200);
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    assert_eq!(stream.headers["cache-control"], "no-store");
    publish(&served, "now");
    let event = stream.message().await;
    assert_eq!(
        (&event["message"], &event["severity"], &event["backend"]),
        (&"now".into(), &"info".into(), &json!(null))
    );
    assert_eq!(event["id"], stream.last_id());
    let listed = served.get("/manage/v1/events?limit=1").send().await.message();
    assert_eq!(listed["events"][0], event);
}

#[tokio::test]
async fn who_comes_back_misses_nothing() {
    let served = Served::alone().await;
    let mut stream = served.get(PATH).open().await;
    publish(&served, "1");
    stream.message().await;
    let last = stream.last_id().to_owned();
    drop(stream);
    publish(&served, "2");
    publish(&served, "3");
    let mut stream = after(&served, &last).await;
    publish(&served, "4");
    for expected in ["2", "3", "4"] {
        assert_eq!(stream.message().await["message"], expected);
    }
}

#[tokio::test]
async fn what_is_missed_is_said_and_the_rest_follows() {
    let served = Served::alone().await;
    let first = served.get("/manage/v1/events?limit=1").send().await.message();
    let first = first["events"][0]["id"].as_str().unwrap().to_owned();
    for number in 0..2500 {
        publish(&served, &number.to_string());
    }
    let mut stream = after(&served, &first).await;
    let missed = stream.message().await;
    assert_eq!(
        (&missed["stage"], &missed["severity"]),
        (&"events_missed".into(), &"warning".into())
    );
    assert_eq!(missed["details"], json!({"missed": 500}));
    assert_eq!(stream.message().await["message"], "500");
    for unknown in ["evt_of_another_run", "7"] {
        let mut stream = after(&served, unknown).await;
        assert_eq!(stream.message().await["details"], json!({"missed": null}), "{unknown}");
        assert_eq!(stream.message().await["message"], "500");
    }
}

#[tokio::test]
async fn it_beats_while_nothing_happens() {
    let served = Served::alone().await;
    let mut stream = served.get(PATH).open().await;
    pass(31).await;
    assert_eq!(stream.comment().await, ": heartbeat");
}

#[tokio::test]
async fn it_ends_at_once_when_the_gateway_stops() {
    let served = Served::alone().await;
    let mut stream = served.get(PATH).open().await;
    let began = Instant::now();
    served.stop();
    assert_eq!(stream.message().await["details"], json!({"state": "stopping"}));
    assert_eq!(stream.next().await, None);
    served.stopped().await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_does_not_read_holds_up_no_shutdown() {
    let served = Served::with("server: {shutdown_timeout: 60}").await;
    let _slow = slow_reader(&served).await;
    publish_much(&served);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let began = Instant::now();
    served.stopped().await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn so_many_streams_and_no_more() {
    let served = Served::with("server: {management: {max_event_streams: 2}}").await;
    let (first, _second) = (served.get(PATH).open().await, served.get(PATH).open().await);
    let refused = served.get(PATH).send().await;
    assert_eq!(
        (refused.status.as_u16(), &refused.message()["error"]),
        (503, &"service_unavailable".into())
    );
    assert!(refused.body.contains("max_event_streams"));
    drop(first);
    let again = async {
        while served.get(PATH).open().await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon("a place is free again", again).await;
}

#[tokio::test]
async fn it_needs_the_token() {
    let served = Served::with("server: {management: {token: d41d8cd98f00b204e9800998ecf8427e}}").await;
    assert_eq!(served.get(PATH).send().await.status, 401);
}

/// Both ends of so many connections are more than a process may usually have.
fn allow_descriptors() {
    let (now, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, now.max(4096.min(most)), most).unwrap();
}

/// How many bytes the system holds for the reader, as Linux tells it.
fn held(stream: &TcpStream) -> u64 {
    let port = stream.local_addr().unwrap().port();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let row = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
    let of_gateway = |row: &Vec<&str>| row[2].ends_with(&format!(":{port:04X}"));
    let row = row.skip(1).find(of_gateway).expect("the connection is in the table");
    u64::from_str_radix(row[4].split(':').next().unwrap(), 16).unwrap()
}

#[tokio::test]
async fn the_system_holds_little_for_who_does_not_read() {
    let served = Served::alone().await;
    let slow = slow_reader(&served).await;
    publish_much(&served);
    until("much is under way", || held(&slow) > 100 << 10).await;
    // It would be megabytes at once.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let held = held(&slow);
    assert!(held < 700 << 10, "{held} bytes");
}

/// How long calls take: half of them, and nearly all.
async fn latencies(session: &Session) -> (Duration, Duration) {
    let mut took = Vec::new();
    for _ in 0..300 {
        let began = Instant::now();
        let answered = session.call("tools/call", json!({"name": "t", "arguments": {}})).await;
        assert_eq!(answered.status, 200);
        took.push(began.elapsed());
    }
    took.sort();
    (took[took.len() / 2], took[took.len() * 99 / 100])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_slow_readers_do_not_slow_a_call() {
    allow_descriptors();
    let one = Backend::legacy()
        .tools(&["t"])
        .result("tools/call", json!({"content": []}))
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    until("ready", || served.gateway.totals().healthy == 1).await;
    let session = served.session().await;
    latencies(&session).await;
    let (half, nearly_all) = latencies(&session).await;
    let mut slow = Vec::new();
    for _ in 0..500 {
        slow.push(slow_reader(&served).await);
    }
    publish_much(&served);
    tokio::time::sleep(Duration::from_millis(500)).await;
    // Far more happens than does at any gateway.
    let events = std::sync::Arc::clone(served.gateway.events());
    let publishing = tokio::spawn(async move {
        loop {
            events.publish(News::info(Stage::Status, "x".repeat(900)));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let (half_then, nearly_all_then) = latencies(&session).await;
    publishing.abort();
    eprintln!("calls: {half:?}, {nearly_all:?}; with 500 slow readers: {half_then:?}, {nearly_all_then:?}");
    // A call that readers held up would take as long as these are waited for. Other tests run at the same time, which has
    // its part in these.
    assert!(half_then < Duration::from_secs(1), "{half:?} {half_then:?}");
    assert!(
        nearly_all_then < Duration::from_secs(5),
        "{nearly_all:?} {nearly_all_then:?}"
    );
    // And they are told what they missed.
    let mut read = String::new();
    let mut chunk = vec![0; 64 << 10];
    while !read.contains("events_missed") {
        let length = soon("what was missed", slow[0].read(&mut chunk)).await.unwrap();
        assert_ne!(length, 0, "the stream ended");
        read.push_str(&String::from_utf8_lossy(&chunk[..length]));
    }
}
