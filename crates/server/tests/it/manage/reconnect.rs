//! `POST /manage/v1/reconnect/{name}`.

use std::time::Instant;

use http::Method;
use serde_json::{Value, json};

use super::health::DEAD;
use crate::support::{Backend, Served, Whole, until};

/// Asks for an action on a backend.
pub(super) async fn post(served: &Served, path: &str) -> Whole {
    served.request(Method::POST, &format!("/manage/v1/{path}")).send().await
}

/// What was told of operators.
pub(super) async fn actions(served: &Served) -> Vec<Value> {
    let told = served.get("/manage/v1/events?limit=1000").send().await.message();
    let events = told["events"].as_array().unwrap().clone();
    let of_operators = events.into_iter().filter(|event| event["stage"] == "backend_action");
    of_operators
        .map(|event| json!([event["backend"], event["details"]]))
        .collect()
}

#[tokio::test]
async fn connections_are_new_and_sessions_stay() {
    let one = Backend::legacy()
        .tools(&["t"])
        .result("tools/call", json!({"content": []}))
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    until("ready", || served.gateway.totals().healthy == 1).await;
    let session = served.session().await;
    session.tool("t").await.result();
    let before = one.seen("initialize").len();
    insta::assert_snapshot!(post(&served, "reconnect/one").await.shown());
    assert_eq!(served.gateway.totals().healthy, 1, "it is answered before it is ready");
    session.tool("t").await.result();
    assert_eq!(one.seen("initialize").len(), 2 * before);
    let told = served.get("/manage/v1/backends/one").send().await.message();
    assert_eq!(
        (&told["restarts"]["count"], &told["calls"]["made"]),
        (&json!(1), &json!(2)),
        "{told}"
    );
    assert_eq!(
        actions(&served).await,
        [json!(["one", {"action": "reconnect", "by": "operator"}])]
    );
}

#[tokio::test]
async fn many_at_once_leave_one() {
    let one = Backend::legacy().start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    until("ready", || served.gateway.totals().healthy == 1).await;
    let all = futures::future::join_all((0..5).map(|_| post(&served, "reconnect/one"))).await;
    for answered in all {
        assert_eq!(answered.message()["reconnected"], true, "{answered:?}");
    }
    until("all connections but one are gone", || one.open_streams() == 1).await;
    assert_eq!(served.gateway.totals().healthy, 1);
}

#[tokio::test]
async fn one_that_cannot_be_reached_says_why_and_is_tried_further() {
    let one = Backend::legacy().tools(&["t"]).start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    until("ready", || served.gateway.totals().healthy == 1).await;
    let session = served.session().await;
    assert_eq!(session.names("tools/list").await, ["t"]);
    one.set_dead(true);
    let answered = post(&served, "reconnect/one").await;
    let told = answered.message();
    assert_eq!(
        (answered.status.as_u16(), &told["name"], &told["reconnected"]),
        (502, &json!("one"), &json!(false))
    );
    assert!(told["error"].as_str().unwrap().contains("404"), "{told}");
    assert_eq!(session.names("tools/list").await, ["t"], "its grace is not over");
    one.set_dead(false);
    until("it is back", || served.gateway.totals().healthy == 1).await;
}

#[tokio::test]
async fn one_that_does_not_answer_is_waited_for_in_bounds() {
    let one = Backend::legacy().silent("tools/list").start().await;
    let lines = one.yaml("one", ", protocol: legacy");
    let served = Served::with(&format!(
        "server: {{management: {{reconnect_timeout: 1}}}}\nbackends:\n{lines}"
    ))
    .await;
    let began = Instant::now();
    let answered = post(&served, "reconnect/one").await;
    assert!(
        (0.9..20.0).contains(&began.elapsed().as_secs_f64()),
        "{:?}",
        began.elapsed()
    );
    insta::assert_snapshot!(answered.shown());
}

#[tokio::test]
async fn others_cannot_be_reconnected() {
    let short = "  short: {type: stdio, command: x, env: {TOKEN: \"${NOT_SET}\"}}\n".to_owned();
    let served = Served::backends(&[DEAD.to_owned(), short]).await;
    for (name, status) in [
        ("nobody", 404),
        ("%ff", 400),
        ("short", 502),
        ("dead", 502),
        ("d%65ad", 502),
    ] {
        assert_eq!(
            post(&served, &format!("reconnect/{name}")).await.status.as_u16(),
            status,
            "{name}"
        );
    }
    let why = post(&served, "reconnect/short").await.message()["error"].to_string();
    assert!(why.contains("NOT_SET"), "{why}");
    post(&served, "backends/dead/disable").await;
    insta::assert_snapshot!(post(&served, "reconnect/dead").await.shown());
}
