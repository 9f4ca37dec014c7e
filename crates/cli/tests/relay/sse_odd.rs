//! Odd backends over HTTP+SSE, and such that are configured as something else.

use std::time::{Duration, Instant};

use argus_testkit::{Journal, until};
use insta::assert_snapshot;
use serde_json::json;

use crate::world::{Running, World, names, tool};

fn one(arguments: &[&str]) -> (Running, Journal) {
    let mut world = World::new();
    let journal = world.sse("odd", arguments);
    (world.start(), journal)
}

/// Why the backend is away, without its port.
fn cause(running: &Running) -> String {
    running.says("backend is away backend=odd");
    let said = running.said();
    let (_, cause) = said.split_once("backend is away backend=odd error=").unwrap();
    let cause = cause.split_once(" retry_in_ms").unwrap().0;
    let mut text = String::new();
    let mut rest = cause;
    while let Some((before, after)) = rest.split_once("127.0.0.1:") {
        text += before;
        text += "127.0.0.1:PORT";
        rest = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
    }
    text + rest
}

#[tokio::test]
async fn the_place_for_messages_may_be_named_with_its_whole_address() {
    for arguments in [&["odd-endpoint", "--absolute"][..], &["redirects"], &["slow-trickle"]] {
        let (running, _) = one(arguments);
        let client = running.plain().await;
        client.result("tools/call", &tool("hello", "{}")).await;
        running.stop();
    }
}

#[tokio::test]
async fn nothing_is_posted_to_another_origin() {
    let mut world = World::new();
    let journal = world.sse("odd", &["odd-endpoint", "--away"]);
    world.backend("odd", "headers", json!({"X-Api-Key": "s3cret-of-the-header"}));
    let running = world.start();
    running.plain().await.call("tools/list", "{}").await;
    assert_snapshot!(cause(&running), @"its `endpoint` event leads to http://127.0.0.1:PORT, another origin than that of its url; let the server name a path of its own, or write the url as the server sees it");
    assert!(journal.all("foreign").is_empty(), "the other origin was asked");
    running.stop();

    let mut world = World::new();
    let journal = world.sse("odd", &["redirects", "--away"]);
    let running = world.start();
    running.plain().await.call("tools/list", "{}").await;
    assert_snapshot!(cause(&running), @"http://127.0.0.1:PORT redirects to http://127.0.0.1:PORT, another origin; if you trust it, write it as the url of the backend");
    assert!(journal.all("foreign").is_empty(), "the other origin was asked");
    running.stop();
}

#[tokio::test]
async fn a_stream_that_names_no_place_is_given_up_in_time() {
    let mut world = World::new();
    world.sse("odd", &["odd-endpoint"]);
    world.backend("odd", "timeouts", json!({"init": 3}));
    let running = world.start();
    let began = Instant::now();
    assert_snapshot!(cause(&running), @"its url streams, but no `endpoint` event came within 3 s; check that it speaks HTTP+SSE");
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    running.stop();
}

#[tokio::test]
async fn what_does_not_stream_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut world = World::new();
    world.sse("odd", &["sane"]);
    world.backend("odd", "url", format!("http://{}/sse", listener.local_addr().unwrap()));
    let running = world.start();
    let (mut socket, _) = listener.accept().unwrap();
    let mut request = [0; 2048];
    std::io::Read::read(&mut socket, &mut request).unwrap();
    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi";
    std::io::Write::write_all(&mut socket, page.as_bytes()).unwrap();
    assert_snapshot!(cause(&running), @"its url answers no event stream, as HTTP+SSE does; check the url and the type of the backend");
    running.stop();

    let (running, _) = one(&["status-500", "--always"]);
    assert_snapshot!(cause(&running), @"http://127.0.0.1:PORT answered 500 Internal Server Error");
    running.stop();
}

#[tokio::test]
async fn a_peer_that_answers_nothing_is_given_up_in_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut world = World::new();
    world.sse("odd", &["sane"]);
    world.backend("odd", "url", format!("http://{}/sse", listener.local_addr().unwrap()));
    world.backend("odd", "timeouts", json!({"init": 3}));
    let running = world.start();
    assert_snapshot!(cause(&running), @"no answer to `GET` within 3 s");
    running.stop();
}

#[tokio::test]
async fn an_event_without_end_ends_the_connection_only() {
    let (running, _) = one(&["huge-line-without-end"]);
    let client = running.plain().await;
    let error = client.error("tools/call", &tool("flood", "{}")).await;
    assert_snapshot!(error, @r#"{"code":-32010,"message":"backend `odd`: an event is larger than 67108864 bytes"}"#);
    client.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn junk_is_skipped_and_batches_are_read() {
    let (running, _) = one(&["junk-on-stdout"]);
    running.plain().await.result("tools/call", &tool("junk", "{}")).await;
    running.says("the backend writes junk backend=odd");
    running.stop();
    let (running, _) = one(&["batch-answers"]);
    let messages = running
        .plain()
        .await
        .open("tools/call", &tool("batch", "{}"))
        .await
        .all()
        .await;
    assert_eq!(messages.len(), 2, "{messages:?}");
    running.stop();
}

#[tokio::test]
async fn a_refused_post_ends_its_call_and_no_other() {
    let (running, _) = one(&["status-500"]);
    let client = running.plain().await;
    let error = client.error("tools/call", &tool("fail", "{}")).await;
    assert_snapshot!(error, @r#"{"code":-32010,"message":"backend `odd`: answered 500 Internal Server Error"}"#);
    client.result("tools/call", &tool("hello", "{}")).await;
    running.stop();
}

#[tokio::test]
async fn a_server_that_answers_posts_late_holds_up_nobody() {
    let mut world = World::new();
    let gate = world.file("gate");
    let journal = world.sse("odd", &["takes-late", "--gate", gate.to_str().unwrap()]);
    let running = world.start();
    let client = running.plain().await;
    let wait = tool("wait", "{}");
    let waiting = futures::future::join_all((0..10).map(|_| client.result("tools/call", &wait)));
    let others = async {
        // One after the other they would wait a second for each.
        let together = until(Duration::from_secs(5), || journal.messages("tools/call").len() == 10).await;
        assert!(together, "{}", journal.messages("tools/call").len());
        client.result("tools/call", &tool("hello", "{}")).await;
        std::fs::write(&gate, "").unwrap();
    };
    futures::join!(waiting, others);
    running.stop();
}

#[tokio::test]
async fn a_forgotten_session_is_opened_again() {
    let (running, journal) = one(&["session-404"]);
    let client = running.plain().await;
    client.result("tools/call", &tool("forget", "{}")).await;
    let again = client.call("tools/call", &tool("hello", "{}")).await;
    if again.contains("\"error\"") {
        assert!(
            again.contains("backend `odd`: the session with it is gone; try again"),
            "{again}"
        );
    }
    let opened = journal.messages("initialize").len();
    client.result("tools/call", &tool("hello", "{}")).await;
    let ready = until(Duration::from_secs(5), || {
        journal.messages("initialize").len() >= opened
    })
    .await;
    assert!(ready && opened >= 2);
    running.stop();
}

#[tokio::test]
async fn it_may_hang_on_what_it_does_not_know() {
    let (running, _) = one(&["hangs-on-unknown-method"]);
    let began = Instant::now();
    for client in [running.plain().await, running.modern()] {
        assert_eq!(names(&client.result("tools/list", "{}").await, "tools"), ["hello"]);
        client.result("tools/call", &tool("hello", "{}")).await;
    }
    // A modern client waits 3 s at most to learn whether it is modern.
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    running.stop();
}

#[tokio::test]
async fn a_streamable_url_that_speaks_only_sse_is_used_and_recommended_otherwise() {
    let mut world = World::new();
    let journal = world.sse("odd", &["closes-stdout-but-lives"]);
    world.backend("odd", "type", "streamable-http");
    let running = world.start();
    for client in [running.plain().await, running.askable().await, running.modern()] {
        client.result("tools/call", &tool("hello", "{}")).await;
    }
    let client = running.plain().await;
    client.error("tools/call", &tool("close", "{}")).await;
    client.result("tools/call", &tool("hello", "{}")).await;
    let said = running.says("write `type: sse` to be connected sooner");
    assert!(said.contains("WARN"), "{said}");
    assert_eq!(running.said().matches("write `type: sse`").count(), 1);
    assert!(journal.messages("server/discover").is_empty(), "asked on a connection");
    running.stop();
}
