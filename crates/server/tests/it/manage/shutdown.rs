//! `POST /manage/v1/shutdown`.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;

use crate::support::{Backend, Request, Served, Whole, soon};

fn request(served: &Served, body: &str) -> Request {
    served.request(Method::POST, "/manage/v1/shutdown").body(body)
}

async fn asked(served: &Served, body: &str) -> Whole {
    request(served, body).send().await
}

#[tokio::test]
async fn the_gateway_says_so_and_stops() {
    for body in [
        "",
        " ",
        "{}",
        "null",
        r#"{"timeout_seconds":1}"#,
        r#"{"timeout_seconds":300}"#,
    ] {
        let served = Served::alone().await;
        let answered = asked(&served, body).await;
        assert_eq!(answered.status, 200, "{body}");
        assert_eq!(answered.message(), json!({"shutting_down": true}));
        served.ended().await;
    }
}

#[tokio::test]
async fn a_time_limit_out_of_bounds_is_refused() {
    let served = Served::alone().await;
    for body in [
        r#"{"timeout_seconds":0}"#,
        r#"{"timeout_seconds":301}"#,
        r#"{"timeout_seconds":-1}"#,
        r#"{"timeout_seconds":1.5}"#,
        r#"{"timeout_seconds":"1"}"#,
        r#"{"seconds":1}"#,
        "[]",
        "{",
    ] {
        let refused = asked(&served, body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.message()["error"]),
            (400, &json!("bad_request")),
            "{body}"
        );
    }
    served.is_well().await;
}

#[tokio::test]
async fn the_time_limit_is_that_of_the_request() {
    let silent = Backend::legacy().tools(&["t"]).silent("tools/call").start().await;
    let lines = format!(
        "server: {{shutdown_timeout: 600}}\nbackends:\n{}",
        silent.yaml("silent", "")
    );
    let served = Served::with(&lines).await;
    let address = served.address;
    let session = served.session().await;
    let call = tokio::spawn(async move { session.tool("t").await });
    silent.first("tools/call").await;
    let began = Instant::now();
    assert_eq!(asked(&served, r#"{"timeout_seconds":4}"#).await.status, 200);
    let mut stopping = std::pin::pin!(served.ended());
    let early = tokio::time::timeout(Duration::from_millis(500), &mut stopping).await;
    assert!(early.is_err(), "the call had no time");
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "it still accepts"
    );
    stopping.await;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    let _ = soon("the call ends", call).await;
}
