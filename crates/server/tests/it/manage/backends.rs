//! `GET /manage/v1/backends`.

use serde_json::Value;

use super::health::CALLED_THOUGH_DEAD;
use crate::support::{Backend, Served, soon, until};

/// The answer, without times and how often the dead one was tried.
async fn backends(served: &Served) -> Value {
    // It is tried again and again.
    let between_attempts = async {
        loop {
            let answered = served.get("/manage/v1/backends").send().await.message();
            let mut backends = answered["backends"].as_array().unwrap().iter();
            if backends.all(|backend| backend["phase"] != "Initializing") {
                return answered;
            }
        }
    };
    let mut answered = soon("a moment without an attempt", between_attempts).await;
    for backend in answered["backends"].as_array_mut().unwrap() {
        let checked = backend["health"]["last_check"].take();
        let expected = backend["state"] == "connected" || backend["name"] == "dead";
        assert_eq!(
            checked.as_str().is_some_and(|checked| checked.ends_with('Z')),
            expected,
            "{checked}"
        );
        backend["breaker"]["retry_in_seconds"].take();
        if backend["name"] == "dead" {
            let failures = backend["health"]["consecutive_failures"].take();
            assert!(failures.as_u64() >= Some(1), "{failures}");
        }
        for condition in backend["conditions"].as_array_mut().unwrap() {
            let since = condition["last_transition"].take();
            assert!(since.as_str().is_some_and(|since| since.ends_with('Z')), "{since}");
        }
    }
    answered
}

#[tokio::test]
async fn backends_as_they_are() {
    let one = Backend::legacy().tools(&["a", "b"]).start().await;
    let short = "  short: {type: stdio, command: x, env: {TOKEN: \"${NOT_SET}\"}}\n".to_owned();
    let served = Served::backends(&[
        one.yaml("one", ", group: tools, labels: {team: blue}"),
        CALLED_THOUGH_DEAD.to_owned(),
        short,
    ])
    .await;
    let tried = || served.gateway.inventory().iter().all(|backend| backend.state().tried);
    until("all backends were tried", tried).await;
    insta::assert_json_snapshot!(backends(&served).await);
}

#[tokio::test]
async fn a_backend_that_goes_is_said_to_be_away_since_then() {
    let one = Backend::legacy().start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    until("ready", || served.gateway.totals().healthy == 1).await;
    let before = served.get("/manage/v1/backends").send().await.message();
    one.streams(1).await;
    one.set_dead(true);
    until("away", || served.gateway.totals().healthy == 0).await;
    let after = served.get("/manage/v1/backends").send().await.message();
    let since = |answered: &Value| answered["backends"][0]["conditions"][0]["last_transition"].to_string();
    assert!(since(&before) <= since(&after));
    assert_eq!(after["backends"][0]["conditions"][0]["status"], false);
    assert_ne!(after["backends"][0]["state"], "connected");
}

#[tokio::test]
async fn what_is_not_for_the_connection_has_its_own_reason_and_one_time() {
    let (one, two) = (
        Backend::legacy().tools(&["same"]).start().await,
        Backend::legacy().tools(&["same"]).start().await,
    );
    let lines = [one.yaml("one", ""), two.yaml("two", "")].concat();
    let short = "  short: {type: stdio, command: x, env: {TOKEN: \"${NOT_SET}\"}}\n";
    let served = Served::with(&format!(
        "conflict_resolution: {{strategy: error}}\nbackends:\n{lines}{short}"
    ))
    .await;
    let told = || {
        let started = |event: &argus_gateway::events::Event| event.news.details.get("state") == Some(&"started".into());
        let found = served.gateway.events().recent(1, started);
        found.first().map(|event| event.news.details.clone())
    };
    until("all backends were tried", || told().is_some()).await;
    // The one that is left out is connected, and counts as not.
    let details = told().unwrap();
    assert_eq!((&details["connected"], &details["backends"]), (&1.into(), &3.into()));
    let ready = async || {
        let answered = served.get("/manage/v1/backends").send().await.message();
        let backends = answered["backends"].as_array().unwrap().iter();
        let ready = backends.map(|backend| backend["conditions"][0].clone());
        ready.collect::<Vec<_>>()
    };
    let before = ready().await;
    let reasons: Vec<_> = before.iter().map(|condition| &condition["reason"]).collect();
    assert_eq!(reasons, ["Connected", "NameCollision", "NotConfigured"]);
    // The time is written to the second.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(ready().await, before);
}
