//! `conflict_resolution.strategy`: who keeps a name, by the order of the configuration, and what is said of it.

use std::sync::Arc;

use argus_gateway::{Backend as Entry, Condition, ConditionKind};
use argus_upstream::Phase;
use serde_json::json;
use tokio::sync::Notify;

use super::{echoing, library};
use crate::support::{Backend, Draft, Served, Session, soon, until};

async fn served(strategy: &str, lines: &[String]) -> Served {
    let lines = lines.concat();
    Served::with(&format!(
        "catalogue: {{grace: 0}}\nconflict_resolution: {{strategy: {strategy}}}\nbackends:\n{lines}"
    ))
    .await
}

/// The backend that answers a tool, or the code of the error.
async fn answers(session: &Session, tool: &str) -> String {
    let answered = session.tool(tool).await.message();
    match answered["result"]["by"].as_str() {
        Some(by) => by.to_owned(),
        None => answered["error"]["code"].to_string(),
    }
}

fn entry(served: &Served, name: &str) -> Arc<Entry> {
    served.gateway.inventory().backend(name).unwrap()
}

/// The only condition of a backend.
fn condition(served: &Served, name: &str) -> Condition {
    let conditions = entry(served, name).conditions();
    assert_eq!(conditions.len(), 1, "{conditions:?}");
    conditions[0].condition.clone()
}

async fn becomes(session: &Session, tools: &[&str]) {
    let waiting = async {
        while session.names("tools/list").await != tools {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    soon(&format!("the tools {tools:?}"), waiting).await;
}

/// A backend that does not answer the handshake before it may.
fn held_back(draft: Draft) -> (Draft, Arc<Notify>) {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let draft = draft.on("initialize", move |call| {
        let opened = Arc::clone(&opened);
        async move {
            opened.notified().await;
            // Whoever comes later need not wait.
            opened.notify_one();
            json!({"protocolVersion": call.params["protocolVersion"], "capabilities": {"tools": {}}})
        }
    });
    (draft, gate)
}

#[tokio::test]
async fn first_wins_hides_what_an_earlier_backend_has() {
    let one = echoing("one").tools(&["x", "y"]).prompts(&["p"]).start().await;
    let two = echoing("two").tools(&["z", "x"]).prompts(&["p", "q"]).start().await;
    let served = served("first-wins", &[one.yaml("one", ""), two.yaml("two", "")]).await;
    let session = served.session().await;
    assert_eq!(session.names("tools/list").await, ["x", "y", "z"]);
    assert_eq!(session.names("prompts/list").await, ["p", "q"]);
    for (tool, by) in [("x", "one"), ("z", "two"), ("two_x", "-32602")] {
        assert_eq!(answers(&session, tool).await, by, "{tool}");
    }
    let said = condition(&served, "two");
    assert_eq!(
        (said.kind, &*said.backends),
        (ConditionKind::NamesHidden, &["one".into()][..])
    );
    insta::assert_snapshot!(said.message, @"hidden, because other backends have the same: tool `x` (of `one`); prompt `p` (of `one`)");
    assert!(entry(&served, "one").conditions().is_empty());
    assert_eq!(served.fares(), "healthy");
}

#[tokio::test]
async fn priority_lets_the_named_ones_come_first() {
    let mut lines = Vec::new();
    let mut running = Vec::new();
    for name in ["one", "two", "three", "four"] {
        let backend = echoing(name).tools(&["x"]).prompts(&["p"]).start().await;
        lines.push(backend.yaml(name, ""));
        running.push(backend);
    }
    let served = served("priority, order: [three, two]", &lines).await;
    let session = served.session().await;
    // The lists keep the order of the configuration.
    assert_eq!(session.names("tools/list").await, ["one_x", "two_x", "x", "four_x"]);
    assert_eq!(session.names("prompts/list").await, ["one_p", "two_p", "p", "four_p"]);
    for (tool, by) in [("x", "three"), ("two_x", "two"), ("one_x", "one"), ("four_x", "four")] {
        assert_eq!(answers(&session, tool).await, by, "{tool}");
    }
}

#[tokio::test]
async fn without_the_first_the_next_in_priority_comes_first() {
    let one = echoing("one").tools(&["x"]).start().await;
    let two = echoing("two").tools(&["x"]).start().await;
    let three = echoing("three").tools(&["y"]).start().await;
    let lines = [one.yaml("one", ""), two.yaml("two", ""), three.yaml("three", "")];
    let served = served("priority, order: [three]", &lines).await;
    assert_eq!(served.session().await.names("tools/list").await, ["x", "two_x", "y"]);
}

#[tokio::test]
async fn error_leaves_out_a_backend_that_collides() {
    let one = echoing("one").tools(&["x"]).start().await;
    let two = echoing("two")
        .tools(&["x", "y"])
        .prompts(&["q"])
        .resources(&["x://2"])
        .templates(&["y://{a}"])
        .capabilities(json!({"tools": {}, "prompts": {}, "resources": {}, "logging": {}}))
        .instructions("Use two.")
        .start()
        .await;
    // It collides only with the one that is left out, and so with nobody.
    let three = echoing("three").tools(&["y"]).start().await;
    let lines = [one.yaml("one", ""), two.yaml("two", ""), three.yaml("three", "")];
    let served = served("error", &lines).await;
    let session = served.session().await;
    assert_eq!(session.names("tools/list").await, ["x", "y"]);
    for (tool, by) in [("x", "one"), ("y", "three"), ("two_x", "-32602")] {
        assert_eq!(answers(&session, tool).await, by, "{tool}");
    }
    for list in ["prompts/list", "resources/list", "resources/templates/list"] {
        assert!(session.names(list).await.is_empty(), "{list}");
    }
    for uri in ["x://2", "y://1", "z://1"] {
        session.call("resources/read", json!({"uri": uri})).await.code();
    }
    assert!(two.seen("resources/read").is_empty());
    let discovered = served.modern("server/discover", json!({})).send().await.result();
    assert_eq!(
        (&discovered["capabilities"]["logging"], &discovered["instructions"]),
        (&json!(null), &json!(null))
    );

    let said = condition(&served, "two");
    assert_eq!(
        (said.kind, &*said.backends),
        (ConditionKind::NameCollision, &["one".into()][..])
    );
    insta::assert_snapshot!(said.message, @"left out, because other backends have the same names: tool `x` (of `one`); give tools other names with `tool_overrides`, hide some with `filters`, or choose another `conflict_resolution.strategy`");
    let state = entry(&served, "two").state();
    assert_eq!(
        (state.phase, state.error.as_ref()),
        (Phase::Failed, Some(&said.message))
    );
    let health = served.get("/manage/v1/health").send().await.message();
    assert_eq!(
        (&health["status"], &health["backends"]),
        (&json!("degraded"), &json!({"total": 3, "connected": 2, "healthy": 2}))
    );
}

#[tokio::test]
async fn a_backend_that_was_left_out_comes_back_by_itself() {
    let one = echoing("one").tools(&["x"]).start().await;
    let two = echoing("two").tools(&["x", "y"]).start().await;
    let served = served("error", &[one.yaml("one", ""), two.yaml("two", "")]).await;
    let session = served.session().await;
    let mut stream = session.listen().await;
    assert_eq!(session.names("tools/list").await, ["x"]);
    one.streams(1).await;

    one.set_tools(&["z"]);
    one.tell("notifications/tools/list_changed", json!({}));
    stream.notification("notifications/tools/list_changed").await;
    // What is announced stands.
    assert_eq!(session.names("tools/list").await, ["z", "x", "y"]);
    assert_eq!(answers(&session, "x").await, "two");
    assert!(entry(&served, "two").conditions().is_empty());
    assert_eq!(served.fares(), "healthy");

    one.set_tools(&["y"]);
    one.tell("notifications/tools/list_changed", json!({}));
    stream.notification("notifications/tools/list_changed").await;
    assert_eq!(session.names("tools/list").await, ["y"]);
    assert_eq!(answers(&session, "x").await, "-32602");
    assert_eq!(entry(&served, "two").state().phase, Phase::Failed);
}

#[tokio::test]
async fn when_all_others_collide_the_gateway_is_still_ready() {
    let one = echoing("one").tools(&["x"]).start().await;
    let two = echoing("two").tools(&["x"]).start().await;
    let served = served("error", &[one.yaml("one", ""), two.yaml("two", "")]).await;
    served.session().await;
    assert!(served.gateway.totals().ready());
}

#[tokio::test]
async fn an_earlier_backend_decides_also_when_it_starts_later() {
    let expected = [
        ("first-wins", vec!["x", "y"], "one"),
        ("priority, order: [two]", vec!["one_x", "x", "y"], "two"),
        ("error", vec!["x"], "one"),
    ];
    for (strategy, tools, winner) in expected {
        let (slow, gate) = held_back(echoing("one").tools(&["x"]));
        let one = slow.start().await;
        let two = echoing("two").tools(&["x", "y"]).start().await;
        let lines = [one.yaml("one", ""), two.yaml("two", "")].concat();
        let config =
            format!("server: {{startup_wait: 0}}\nconflict_resolution: {{strategy: {strategy}}}\nbackends:\n{lines}");
        let served = Served::with(&config).await;
        until("the quick one is there", || served.gateway.totals().ready()).await;
        let session = served.session().await;
        becomes(&session, &["x", "y"]).await;
        assert_eq!(answers(&session, "x").await, "two", "{strategy}");
        gate.notify_one();
        becomes(&session, &tools).await;
        assert_eq!(answers(&session, "x").await, winner, "{strategy}");
    }
}

#[tokio::test]
async fn a_backend_that_is_away_keeps_its_names() {
    for strategy in ["first-wins", "error"] {
        let one = echoing("one").tools(&["x"]).start().await;
        let two = echoing("two").tools(&["x", "y"]).start().await;
        let three = echoing("three").tools(&["z"]).start().await;
        let lines = [one.yaml("one", ""), two.yaml("two", ""), three.yaml("three", "")];
        let served = served(strategy, &lines).await;
        let session = served.session().await;
        let rest: &[&str] = if strategy == "error" { &["z"] } else { &["y", "z"] };
        becomes(&session, &[&["x"], rest].concat()).await;
        one.streams(1).await;
        one.set_dead(true);
        becomes(&session, rest).await;
        assert_eq!(answers(&session, "x").await, "-32010", "{strategy}");
        assert_eq!(entry(&served, "two").conditions().len(), 1, "{strategy}");
        one.set_dead(false);
        becomes(&session, &[&["x"], rest].concat()).await;
    }
}

/// Two backends that have the same resource and the same template.
async fn libraries() -> (Backend, Backend) {
    let uris = &["x://1", "y://1"];
    let draft = |name| library(name, uris).resources(&["x://1"]).templates(&["y://{a}"]);
    (draft("one").start().await, draft("two").start().await)
}

#[tokio::test]
async fn of_equal_uris_the_first_ones_stand_and_the_others_are_hidden() {
    for (strategy, winner, loser) in [
        ("auto", "one", "two"),
        ("prefix", "one", "two"),
        ("first-wins", "one", "two"),
        ("priority, order: [two]", "two", "one"),
    ] {
        let (one, two) = libraries().await;
        let served = served(strategy, &[one.yaml("one", ""), two.yaml("two", "")]).await;
        let session = served.session().await;
        assert_eq!(session.names("resources/list").await, ["x://1"], "{strategy}");
        assert_eq!(
            session.names("resources/templates/list").await,
            ["y://{a}"],
            "{strategy}"
        );
        for uri in ["x://1", "y://1"] {
            let read = session.call("resources/read", json!({"uri": uri})).await.result();
            assert_eq!(read["by"], winner, "{strategy}, {uri}");
        }
        let said = condition(&served, loser);
        assert_eq!(said.kind, ConditionKind::NamesHidden, "{strategy}");
        let parts = [
            format!("resource `x://1` (of `{winner}`)"),
            "resource template `y://{a}`".to_owned(),
        ];
        assert!(parts.iter().all(|part| said.message.contains(part)), "{}", said.message);
    }
}

#[tokio::test]
async fn equal_uris_are_collisions_with_error() {
    for (same, uri, other) in [("x://1", "x://1", "y:*"), ("y://{a}", "y://1", "x:*")] {
        let (one, two) = libraries().await;
        let filter = format!(", filters: {{resources: {{deny: [\"{other}\"]}}}}");
        let served = served("error", &[one.yaml("one", &filter), two.yaml("two", "")]).await;
        let session = served.session().await;
        let read = session.call("resources/read", json!({"uri": uri})).await.result();
        assert_eq!(read["by"], "one", "{same}");
        let said = condition(&served, "two");
        assert_eq!(said.kind, ConditionKind::NameCollision);
        assert!(
            said.message.contains(&format!("`{same}` (of `one`)")),
            "{}",
            said.message
        );
    }
}

#[tokio::test]
async fn each_kind_has_a_name_space_of_its_own() {
    let one = echoing("one").tools(&["x"]).resources(&["u://1"]).start().await;
    let two = echoing("two").prompts(&["x"]).templates(&["u://1"]).start().await;
    let served = served("error", &[one.yaml("one", ""), two.yaml("two", "")]).await;
    let session = served.session().await;
    for list in [
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ] {
        assert_eq!(session.names(list).await.len(), 1, "{list}");
    }
    assert_eq!(served.fares(), "healthy");
}

#[tokio::test]
async fn new_names_take_part() {
    let one = echoing("one").tools(&["x"]).start().await;
    let two = echoing("two").tools(&["y", "x"]).start().await;
    let renamed = ", tool_overrides: {y: {name: x}, x: {name: z}}";
    for (strategy, tools) in [
        ("auto", vec!["x", "two_x", "z"]),
        ("first-wins", vec!["x", "z"]),
        ("error", vec!["x"]),
    ] {
        let served = served(strategy, &[one.yaml("one", ""), two.yaml("two", renamed)]).await;
        let session = served.session().await;
        assert_eq!(session.names("tools/list").await, tools, "{strategy}");
        assert_eq!(answers(&session, "x").await, "one", "{strategy}");
    }
}
