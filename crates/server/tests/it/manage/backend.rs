//! `GET /manage/v1/backends/{name}`.

use serde_json::{Value, json};

use super::health::DEAD;
use crate::support::{Answer, Backend, Served, until};

/// What is answered of a backend, without times and ports.
async fn of(served: &Served, name: &str) -> Value {
    let answered = served.get(&format!("/manage/v1/backends/{name}")).send().await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let mut told = answered.message();
    told["health"]["last_check"].take();
    told["health"]["latency_ms"].take();
    told["conditions"][0]["last_transition"].take();
    let window = told["latency"]["window_seconds"].take();
    assert!(window.as_f64().is_some_and(|window| window >= 0.0), "{window}");
    if let Some(url) = told["reach"]["url"].as_str().map(str::to_owned) {
        let (host, path) = url.rsplit_once(':').unwrap();
        let path = path.trim_start_matches(|letter: char| letter.is_ascii_digit());
        told["reach"]["url"] = format!("{host}:[port]{path}").into();
    }
    told
}

#[tokio::test]
async fn a_backend_that_is_called() {
    let one = Backend::legacy()
        .tools(&["good", "bad"])
        .instructions("Be kind.")
        .on("tools/call", |call| async move {
            match call.params["name"] == "bad" {
                true => Answer::error(1, "no"),
                false => Answer::from(json!({"content": []})),
            }
        })
        .start()
        .await;
    let extra =
        ", headers: {X-Key: s3cret-key}, filters: {tools: {deny: ['x*']}}, timeouts: {call: 3}, protocol: legacy";
    let served = Served::backends(&[one.yaml("one", extra)]).await;
    until("ready", || served.gateway.totals().healthy == 1).await;
    let session = served.session().await;
    for name in ["good", "bad", "good"] {
        session.tool(name).await;
    }
    let mut told = of(&served, "one").await;
    assert!(!told.to_string().contains("s3cret"), "{told}");
    for name in ["p50_ms", "p90_ms", "p99_ms", "max_ms"] {
        let took = told["latency"][name].take();
        assert!(took.as_f64().is_some_and(|took| took > 0.0), "{name}: {took}");
    }
    insta::assert_json_snapshot!(told);
}

#[tokio::test]
async fn eras_are_those_that_it_was_found_to_speak() {
    let (old, new) = (Backend::legacy().start().await, Backend::modern().start().await);
    let both = Backend::both()
        .tools(&["x"])
        .result("tools/call", json!({"content": []}))
        .start()
        .await;
    let served = Served::backends(&[old.yaml("old", ""), new.yaml("new", ""), both.yaml("both", "")]).await;
    until("ready", || served.gateway.totals().healthy == 3).await;
    assert_eq!(of(&served, "both").await["era"], "modern", "nobody has asked yet");
    served.session().await.tool("x").await.result();
    for (name, era, version) in [
        ("old", "legacy", "2025-11-25"),
        ("new", "modern", "2026-07-28"),
        ("both", "both", "2026-07-28"),
    ] {
        let told = of(&served, name).await;
        assert_eq!(
            (&told["era"], &told["protocol_version"]),
            (&era.into(), &version.into()),
            "{told}"
        );
    }
}

#[tokio::test]
async fn one_that_is_away_says_why_and_when_it_is_tried_again() {
    let short = "  short: {type: stdio, command: x, env: {TOKEN: \"${NOT_SET}\"}}\n".to_owned();
    let served = Served::backends(&[DEAD.to_owned(), short]).await;
    let waits = || {
        let dead = served.gateway.inventory().backend("dead");
        dead.is_some_and(|dead| dead.state().next_attempt.is_some())
    };
    until("the first attempt failed", waits).await;
    let told = of(&served, "dead").await;
    assert!(told["error"].as_str().unwrap().contains("Connection refused"), "{told}");
    assert!(told["next_attempt"].as_str().unwrap().ends_with('Z'), "{told}");
    assert_eq!((&told["era"], &told["latency"]["calls"]), (&Value::Null, &json!(0)));
    let short = of(&served, "short").await;
    assert!(short["error"].as_str().unwrap().contains("NOT_SET"), "{short}");
    assert_eq!((&short["reach"], &short["next_attempt"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn names_are_decoded_and_unknown_ones_are_not_found() {
    let served = Served::backends(&[DEAD.to_owned()]).await;
    assert_eq!(of(&served, "d%65ad").await["name"], "dead");
    for (path, status) in [("nobody", 404), ("dead%2F", 404), ("%ff", 400), ("dead/x", 404)] {
        let answered = served.get(&format!("/manage/v1/backends/{path}")).send().await;
        assert_eq!(answered.status.as_u16(), status, "{path}: {answered:?}");
    }
}
