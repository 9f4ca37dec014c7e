//! `GET /manage/v1/backends/{name}/logs` and `.../logs/stream`. What processes write is seen in the tests of the whole
//! program.

use std::path::Path;

use argus_config::{Config, Mode, check};

use crate::support::{Served, soon};

const REMOTE: &str = "backends: {far: {type: streamable-http, url: 'http://127.0.0.1:9/'}}";

fn config(yaml: &str) -> Config {
    check("", yaml, Path::new("/"), &|_| None, Mode::Serve).unwrap().config
}

#[tokio::test]
async fn without_a_process_there_are_no_lines() {
    let served = Served::with(REMOTE).await;
    let answered = served.get("/manage/v1/backends/far/logs").send().await;
    let shown = answered.shown();
    // The run of the gateway is another one each time.
    let (before, place) = shown.rsplit_once(":\"").unwrap();
    let (run, number) = place.split_once('-').unwrap();
    assert!(
        run.len() == 16 && run.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{run}"
    );
    insta::assert_snapshot!(format!("{before}:\"RUN-{number}"));
}

#[tokio::test]
async fn a_backend_that_cannot_be_started_has_none_either() {
    let served = Served::with("backends: {short: {type: stdio, command: '${NOT_SET}'}}").await;
    assert_eq!(served.get("/manage/v1/backends/short/logs").send().await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_or_too_much_is_refused() {
    let served = Served::with(REMOTE).await;
    let nobody = served.get("/manage/v1/backends/nobody/logs").send().await;
    insta::assert_snapshot!(nobody.shown());
    for (path, status) in [
        ("nobody/logs/stream", 404),
        ("far/logs?tail=1001", 400),
        ("far/logs?tail=-1", 400),
        ("far/logs/stream?tail=1001", 400),
        ("far/logs?tail=1000", 200),
        ("far/logs?tail=0", 200),
        ("%ff/logs", 400),
    ] {
        let answered = served.get(&format!("/manage/v1/backends/{path}")).send().await;
        assert_eq!(answered.status, status, "{path}");
    }
}

#[tokio::test]
async fn the_stream_ends_with_the_backend_and_with_the_gateway() {
    let served = Served::with(&REMOTE.replace("{far", "{near: {type: stdio, command: x}, far")).await;
    let far = served.get("/manage/v1/backends/far/logs/stream").open().await;
    let near = served.get("/manage/v1/backends/near/logs/stream").open().await;
    assert_eq!(far.headers["content-type"], "text/event-stream");
    // Another definition of the same name is no end.
    let other = config("backends: {near: {type: stdio, command: y}}");
    let gateway = served.gateway.clone();
    tokio::task::spawn_blocking(move || gateway.apply(other)).await.unwrap();
    assert_eq!(soon("the end", far.whole()).await.body, "");
    let mut near = near;
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(200), near.next())
            .await
            .is_err()
    );
    assert_eq!(served.get("/manage/v1/backends/far/logs").send().await.status, 404);
    served.stopped().await;
    assert_eq!(near.next().await, None);
}

#[tokio::test]
async fn streams_of_logs_count_among_the_others() {
    let yaml = format!("server: {{management: {{max_event_streams: 1}}}}\n{REMOTE}");
    let served = Served::with(&yaml).await;
    let _first = served.get("/manage/v1/events/stream").open().await;
    let second = served.get("/manage/v1/backends/far/logs/stream").send().await;
    assert_eq!(second.status, 503, "{}", second.body);
}
