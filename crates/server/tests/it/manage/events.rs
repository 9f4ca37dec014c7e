//! `GET /manage/v1/events`.

use serde_json::{Value, json};

use super::health::CALLED_THOUGH_DEAD;
use crate::support::{Answer, Backend, Served, until};

/// What was told, oldest first.
async fn events(served: &Served, query: &str) -> Vec<Value> {
    let answered = served.get(&format!("/manage/v1/events{query}")).send().await;
    assert_eq!(answered.status, 200, "{query}: {answered:?}");
    answered.message()["events"].as_array().unwrap().clone()
}

/// The first event of a stage, once it is there.
async fn first(served: &Served, stage: &str) -> Value {
    let recent = || {
        let of_stage = |event: &argus_gateway::events::Event| event.news.stage.as_str() == stage;
        !served.gateway.events().recent(1, of_stage).is_empty()
    };
    until(stage, recent).await;
    let events = events(served, "").await;
    events.into_iter().find(|event| event["stage"] == stage).unwrap()
}

#[tokio::test]
async fn a_start_from_the_first_event_to_the_last() {
    let one = Backend::legacy().tools(&["a", "b"]).resources(&["x://1"]).start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    until("started", || served.gateway.events().recent(100, |_| true).len() >= 5).await;
    let mut told = events(&served, "").await;
    for event in &mut told {
        let (id, time) = (event["id"].take(), event["timestamp"].take());
        assert!(id.as_str().unwrap().starts_with("evt_"), "{id}");
        assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    }
    let shown = serde_json::to_string_pretty(&told).unwrap();
    insta::assert_snapshot!(shown.replace(env!("CARGO_PKG_VERSION"), "[version]"));
}

#[tokio::test]
async fn the_newest_of_what_is_asked_for() {
    // Its failures are told once: nothing more is told.
    let served = Served::backends(&[CALLED_THOUGH_DEAD.to_owned()]).await;
    until("started", || served.gateway.events().recent(100, |_| true).len() == 4).await;
    let all = events(&served, "").await;
    assert_eq!(events(&served, "?limit=2").await, all[all.len() - 2..]);
    let failed = events(&served, "?severity=error").await;
    assert!(failed.iter().all(|event| event["severity"] == "error"), "{failed:?}");
    assert_eq!((failed.len(), &failed[0]["stage"]), (1, &"backend_failed".into()));
    assert_eq!(events(&served, "?severity=debug").await, Vec::<Value>::new());
    for (at, event) in all.iter().enumerate() {
        let since = event["timestamp"].as_str().unwrap();
        assert_eq!(events(&served, &format!("?since={since}")).await, all[at + 1..]);
        let elsewhere = since.replace('Z', "+00:00");
        assert_eq!(events(&served, &format!("?since={elsewhere}")).await, all[at + 1..]);
    }
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let served = Served::alone().await;
    for query in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "since=yesterday",
        "since=",
        "severity=fatal",
        "severity=",
    ] {
        let refused = served.get(&format!("/manage/v1/events?{query}")).send().await;
        assert_eq!(refused.status, 400, "{query}");
        assert_eq!(refused.message()["error"], "bad_request");
    }
    for query in ["limit=1", "limit=1000"] {
        let answered = served.get(&format!("/manage/v1/events?{query}")).send().await;
        assert_eq!(answered.status, 200, "{query}");
    }
}

#[tokio::test]
async fn what_a_backend_offers_otherwise_is_told_by_name() {
    let one = Backend::legacy().tools(&["a", "b"]).start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    first(&served, "capability_change").await;
    one.streams(1).await;
    one.set_tools(&["b", "c"]);
    one.tell("notifications/tools/list_changed", json!({}));
    until("two changes", || {
        let changes = |event: &argus_gateway::events::Event| event.news.stage.as_str() == "capability_change";
        served.gateway.events().recent(10, changes).len() == 2
    })
    .await;
    let last = events(&served, "?limit=1").await.remove(0);
    assert_eq!(
        (&last["stage"], &last["backend"]),
        (&"capability_change".into(), &"one".into())
    );
    assert_eq!(last["details"], json!({"tools": {"added": ["c"], "removed": ["a"]}}));
}

#[tokio::test]
async fn a_backend_that_goes_and_comes_back_is_told_of_with_the_cause() {
    let one = Backend::legacy().start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    first(&served, "backend_ready").await;
    one.streams(1).await;
    one.set_dead(true);
    let lost = first(&served, "backend_disconnected").await;
    assert_eq!(
        (&lost["severity"], &lost["backend"]),
        (&"warning".into(), &"one".into())
    );
    assert!(!lost["details"]["cause"].as_str().unwrap().is_empty());
    let failed = first(&served, "backend_failed").await;
    assert!(failed["message"].as_str().unwrap().contains("404"), "{failed}");
    one.set_dead(false);
    until("ready again", || served.gateway.totals().healthy == 1).await;
    let told = events(&served, "").await;
    let back = told.iter().rfind(|event| event["stage"] == "backend_ready").unwrap();
    assert_eq!(back["details"]["reconnects"], 1);
    assert!(back["details"]["away_ms"].is_u64() && back["details"]["attempts"].as_u64() > Some(1));
}

#[tokio::test]
async fn names_that_collide_are_told_of() {
    let (one, two) = (
        Backend::legacy().tools(&["same"]).start().await,
        Backend::legacy().tools(&["same"]).start().await,
    );
    let lines = [one.yaml("one", ""), two.yaml("two", "")].concat();
    let served = Served::with(&format!(
        "conflict_resolution: {{strategy: first-wins}}\nbackends:\n{lines}"
    ))
    .await;
    let told = first(&served, "backend_condition").await;
    assert_eq!(
        (&told["severity"], &told["backend"]),
        (&"warning".into(), &"two".into())
    );
    let details = json!({"status": true, "condition": "NamesHidden", "backends": ["one"]});
    assert_eq!(told["details"], details);
}

#[tokio::test]
async fn sessions_are_told_of_and_never_their_ids() {
    let served = Served::with("server: {session_idle_timeout: 3}").await;
    let (one, _two) = (served.session().await, served.session().await);
    one.delete().send().await;
    let closed = first(&served, "session_closed").await;
    let expired = first(&served, "session_expired").await;
    let told = events(&served, "").await;
    let opened: Vec<_> = told.iter().filter(|event| event["stage"] == "session_opened").collect();
    assert_eq!(opened.len(), 2);
    assert_eq!(opened[0]["details"]["client"], "test");
    assert_eq!(opened[0]["details"]["session"], closed["details"]["session"]);
    assert_eq!(opened[1]["details"]["session"], expired["details"]["session"]);
    assert!(!format!("{told:?}").contains(&one.id));
}

#[tokio::test]
async fn a_session_that_makes_room_says_for_which_bound() {
    for key in ["max_sessions", "max_sessions_per_caller"] {
        let served = Served::with(&format!("server: {{{key}: 1}}")).await;
        let (_one, _two) = (served.session().await, served.session().await);
        let closed = first(&served, "session_closed").await;
        let message = closed["message"].as_str().unwrap();
        assert!(message.contains(&format!("(server.{key})")), "{message}");
        assert_eq!(closed["severity"], "warning");
    }
}

#[tokio::test]
async fn secrets_of_the_configuration_are_not_told() {
    let refuse = |_| async { Answer::error(-32000, "nobody knows s3cret-t0ken") };
    let one = Backend::legacy().on("initialize", refuse).start().await;
    let headers = ", headers: {Authorization: \"Bearer s3cret-t0ken\"}";
    let served = Served::backends(&[one.yaml("one", headers)]).await;
    let failed = first(&served, "backend_failed").await;
    assert!(
        failed["message"]
            .as_str()
            .unwrap()
            .contains("nobody knows ***REDACTED***")
    );
    for path in ["events", "backends"] {
        let answered = served.get(&format!("/manage/v1/{path}")).send().await;
        assert!(!answered.body.contains("s3cret"), "{}", answered.body);
    }
}
