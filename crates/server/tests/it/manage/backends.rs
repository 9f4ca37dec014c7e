//! `GET /manage/v1/backends`.

use serde_json::Value;

use super::health::DEAD;
use crate::support::{Backend, Served, until};

/// The answer, without times.
async fn backends(served: &Served) -> Value {
    let mut answered = served.get("/manage/v1/backends").send().await.message();
    for backend in answered["backends"].as_array_mut().unwrap() {
        let checked = backend["health"]["last_check"].take();
        let expected = backend["state"] == "connected" || backend["name"] == "dead";
        assert_eq!(
            checked.as_str().is_some_and(|checked| checked.ends_with('Z')),
            expected,
            "{checked}"
        );
        backend["breaker"]["retry_in_seconds"].take();
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
        DEAD.to_owned(),
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
