//! `server`.

use std::time::{Duration, Instant};

use argus_gateway::{Caller, Transport};
use serde_json::json;

use crate::support::{Backend, Request, Served, Session, soon};

const INITIALIZE: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;

fn initialize(served: &Served) -> Request {
    served.post(INITIALIZE)
}

#[tokio::test]
async fn allowed_hosts_lets_names_pass() {
    let served = Served::with("server: {allowed_hosts: [Argus.example, \"other.example:8080\"]}").await;
    for host in [
        "argus.example",
        "argus.example:443",
        "ARGUS.example",
        "other.example:8080",
        "localhost",
    ] {
        assert_eq!(
            initialize(&served).header("host", host).send().await.status,
            200,
            "{host}"
        );
    }
    for host in ["other.example", "other.example:80", "x.argus.example", "evil.example"] {
        assert_eq!(
            initialize(&served).header("host", host).send().await.status,
            403,
            "{host}"
        );
    }
}

#[tokio::test]
async fn allowed_origins_lets_pages_pass() {
    let served = Served::with("server: {allowed_origins: [\"https://app.example\"]}").await;
    let passes = async |origin: &str| initialize(&served).header("origin", origin).send().await.status == 200;
    assert!(passes("https://app.example").await);
    for origin in [
        "http://app.example",
        "https://app.example:8443",
        "https://x.app.example",
        "null",
    ] {
        assert!(!passes(origin).await, "{origin}");
    }
}

#[tokio::test]
async fn allowed_origins_may_let_any_page_pass() {
    let served = Served::with("server: {allowed_origins: [\"*\"]}").await;
    for origin in ["http://evil.example", "null"] {
        assert_eq!(
            initialize(&served).header("origin", origin).send().await.status,
            200,
            "{origin}"
        );
    }
}

/// A gateway whose only backend never gets ready.
async fn waiting(startup_wait: &str) -> Served {
    let silent = Backend::legacy().silent("initialize").start().await;
    let line = silent.yaml("silent", "");
    Served::with(&format!("server: {{startup_wait: {startup_wait}}}\nbackends:\n{line}")).await
}

#[tokio::test]
async fn startup_wait_bounds_how_long_the_first_clients_wait() {
    let began = Instant::now();
    // Longer than without the key.
    let served = waiting("6").await;
    let session = served.session().await;
    let waited = began.elapsed();
    assert!((5900..25_000).contains(&waited.as_millis()), "{waited:?}");
    let began = Instant::now();
    assert!(session.names("tools/list").await.is_empty());
    served.modern("server/discover", json!({})).send().await.result();
    assert!(began.elapsed() < Duration::from_millis(5900), "nobody waits twice");
}

#[tokio::test]
async fn startup_wait_may_be_nothing() {
    let served = waiting("0").await;
    let began = Instant::now();
    served.session().await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn whoever_waited_sees_the_backends_that_came() {
    let slow = Backend::legacy()
        .tools(&["t"])
        .on("initialize", |call| async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            json!({"protocolVersion": call.params["protocolVersion"], "capabilities": {"tools": {}}})
        })
        .start()
        .await;
    let served = Served::backends(&[slow.yaml("slow", "")]).await;
    assert_eq!(served.session().await.names("tools/list").await, ["t"]);
}

/// A gateway with a tool that takes this long.
async fn busy(shutdown_timeout: &str, takes: Duration) -> (Backend, Served) {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", move |_| async move {
            tokio::time::sleep(takes).await;
            json!({"content": []})
        })
        .start()
        .await;
    let line = backend.yaml("one", "");
    let served = Served::with(&format!(
        "server: {{shutdown_timeout: {shutdown_timeout}}}\nbackends:\n{line}"
    ))
    .await;
    (backend, served)
}

#[tokio::test]
async fn calls_in_flight_finish_within_shutdown_timeout() {
    let (backend, served) = busy("20", Duration::from_millis(400)).await;
    let session = served.session().await;
    let calling = tokio::spawn(async move { session.tool("t").await });
    backend.first("tools/call").await;
    let began = Instant::now();
    served.stopped().await;
    assert_eq!(calling.await.unwrap().result(), json!({"content": []}));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn calls_that_take_longer_than_shutdown_timeout_are_cut_off() {
    let (backend, served) = busy("0.3", Duration::from_secs(60)).await;
    let session = served.session().await;
    let request = session
        .ask("tools/call", json!({"name": "t"}))
        .header("accept", "text/event-stream");
    let mut open = request.open().await;
    backend.first("tools/call").await;
    let began = Instant::now();
    served.stopped().await;
    let took = began.elapsed();
    assert!((250..9000).contains(&took.as_millis()), "{took:?}");
    if let Some(last) = open.next().await {
        assert!(last.get("error").is_some(), "{last}");
    }
}

#[tokio::test]
async fn a_gateway_that_stops_takes_no_new_connections() {
    let served = Served::alone().await;
    let address = served.address;
    served.stopped().await;
    let refused = soon("an answer", tokio::net::TcpStream::connect(address)).await;
    assert!(refused.is_err());
}

/// Whether a session is still there.
async fn lives(session: &Session) -> bool {
    session.call("ping", json!({})).await.status == 200
}

#[tokio::test]
async fn session_idle_timeout_ends_sessions_that_nobody_uses() {
    let served = Served::with("server: {session_idle_timeout: 3}").await;
    let (unused, used) = (served.session().await, served.session().await);
    let mut stream = used.listen().await;
    stream.primed().await;
    soon("the end", async {
        // To look is to use.
        while lives(&unused).await {
            tokio::time::sleep(Duration::from_millis(4500)).await;
        }
    })
    .await;
    assert!(lives(&used).await, "its stream is open");
}

#[tokio::test]
async fn max_sessions_bounds_all_sessions() {
    let served = Served::with("server: {max_sessions: 2}").await;
    let (first, second) = (served.session().await, served.session().await);
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(lives(&first).await, "which is use");
    let third = served.session().await;
    assert!(!lives(&second).await && lives(&first).await && lives(&third).await);
}

#[tokio::test]
async fn where_all_sessions_are_in_use_a_new_one_is_refused() {
    for key in ["max_sessions", "max_sessions_per_caller"] {
        let served = Served::with(&format!("server: {{{key}: 1}}")).await;
        let session = served.session().await;
        let mut stream = session.listen().await;
        stream.primed().await;
        let refused = initialize(&served).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (200, -32603));
        assert!(refused.body.contains(&format!("(server.{key})")), "{}", refused.body);
        session.delete().send().await;
        initialize(&served).send().await.result();
    }
}

#[tokio::test]
async fn max_sessions_per_caller_bounds_the_sessions_of_one_address() {
    let served = Served::with("server: {max_sessions: 3, max_sessions_per_caller: 2}").await;
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}}).to_string();
    let params = argus_protocol::Raw::parse(params).unwrap();
    let other = Caller::at([10, 0, 0, 1].into());
    let (theirs, _) = served
        .gateway
        .initialize(Some(&params), other, Transport::Sse)
        .await
        .unwrap();
    let (first, second) = (served.session().await, served.session().await);
    let third = served.session().await;
    assert!(!lives(&first).await && lives(&second).await && lives(&third).await);
    assert!(
        served.gateway.session(theirs.id(), other).is_ok(),
        "others are not concerned"
    );
    let here = Caller::at([127, 0, 0, 1].into());
    served
        .gateway
        .initialize(Some(&params), here, Transport::Sse)
        .await
        .unwrap();
    assert!(!lives(&second).await, "the caller is the address of the connection");
}

#[tokio::test]
async fn the_streams_of_listeners_are_bounded_like_sessions() {
    for key in ["max_sessions", "max_sessions_per_caller"] {
        let served = Served::with(&format!("server: {{{key}: 2}}")).await;
        let listen = || {
            served.modern(
                "subscriptions/listen",
                json!({"notifications": {"toolsListChanged": true}}),
            )
        };
        let mut streams = Vec::new();
        for _ in 0..2 {
            let mut stream = listen().open().await;
            stream.message().await;
            streams.push(stream);
        }
        let refused = listen().send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (200, -32603));
        assert!(refused.body.contains(&format!("(server.{key})")), "{}", refused.body);
        // The place of one that is closed is free.
        streams.pop();
        let again = async {
            loop {
                let mut stream = listen().open().await;
                if stream.message().await.get("error").is_none() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon("a place is free again", again).await;
    }
}
