//! `POST /manage/v1/backends/{name}/enable`, `disable` and `restart`.

use serde_json::{Value, json};

use super::health::DEAD;
use super::reconnect::{actions, post};
use crate::support::{Backend, Draft, Served, until};

const CHANGED: &str = "notifications/tools/list_changed";

fn echoing() -> Draft {
    Backend::legacy()
        .tools(&["t"])
        .resources(&["x://1"])
        .result("tools/call", json!({"content": []}))
}

async fn numbers(served: &Served) -> Value {
    let told = served.get("/manage/v1/health").send().await.message();
    json!([told["status"], told["backends"]["total"], told["backends"]["connected"]])
}

#[tokio::test]
async fn disabled_it_is_gone_for_clients_and_enabled_it_is_back() {
    let one = echoing().start().await;
    let served = Served::backends(&[one.yaml("one", ""), DEAD.to_owned()]).await;
    until("ready", || served.gateway.totals().healthy == 1).await;
    let session = served.session().await;
    let mut stream = session.listen().await;
    session.tool("t").await.result();
    one.streams(1).await;
    insta::assert_snapshot!(post(&served, "backends/one/disable").await.shown());
    stream.notification(CHANGED).await;
    assert_eq!(session.names("tools/list").await, Vec::<String>::new());
    assert_eq!(session.tool("t").await.code(), -32602, "as of a tool that nobody has");
    for (path, body) in [
        ("tools/call", r#"{"tool":"t"}"#),
        ("resources/read", r#"{"uri":"x://1"}"#),
    ] {
        let request = served.request(http::Method::POST, &format!("/manage/v1/{path}"));
        assert_eq!(request.body(body).send().await.status, 404, "{path}");
    }
    one.streams_ended(1).await;
    assert_eq!(
        numbers(&served).await,
        json!(["unhealthy", 1, 0]),
        "only the other one counts"
    );
    let mut told = served.get("/manage/v1/backends/one").send().await.message();
    assert!(told["conditions"][0]["last_transition"].take().is_string());
    let shown = ["phase", "state", "error", "capabilities", "conditions", "pids"].map(|name| told[name].take());
    insta::assert_json_snapshot!(shown);
    assert_eq!(told["calls"]["made"], 1, "{told}");

    assert_eq!(
        post(&served, "backends/one/disable").await.status,
        200,
        "it is so already"
    );
    for path in ["backends/one/restart", "reconnect/one"] {
        assert_eq!(post(&served, path).await.message()["error"], "conflict", "{path}");
    }
    insta::assert_snapshot!(post(&served, "backends/one/enable").await.shown());
    stream.notification(CHANGED).await;
    assert_eq!(session.names("tools/list").await, ["t"]);
    session.tool("t").await.result();
    let connections = one.seen("initialize").len();
    assert_eq!(
        post(&served, "backends/one/enable").await.status,
        200,
        "it is so already"
    );
    assert_eq!(one.seen("initialize").len(), connections, "nothing is done for it");
    let action = |action: &str| json!(["one", {"action": action, "by": "operator"}]);
    assert_eq!(actions(&served).await, [action("disable"), action("enable")]);
}

#[tokio::test]
async fn with_none_left_the_gateway_is_healthy_and_ready() {
    let served = Served::backends(&[DEAD.to_owned()]).await;
    post(&served, "backends/dead/disable").await;
    assert_eq!(numbers(&served).await, json!(["healthy", 0, 0]));
    assert_eq!(served.get("/manage/v1/ready").send().await.status, 200);
}

#[tokio::test]
async fn a_call_in_flight_may_finish() {
    let one = Backend::legacy()
        .tools(&["slow"])
        .on("tools/call", |_| async {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            crate::support::Answer::from(json!({"content": [], "slow": 1}))
        })
        .start()
        .await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    until("ready", || served.gateway.totals().healthy == 1).await;
    let session = served.session().await;
    let disabling = async {
        one.first("tools/call").await;
        assert_eq!(post(&served, "backends/one/disable").await.status, 200);
    };
    let (answered, ()) = futures::join!(session.tool("slow"), disabling);
    assert_eq!(answered.result()["slow"], 1);
}

#[tokio::test]
async fn one_that_does_not_come_up_stays_enabled() {
    let one = echoing().start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    post(&served, "backends/one/disable").await;
    one.set_dead(true);
    let answered = post(&served, "backends/one/enable").await;
    let told = answered.message();
    assert_eq!(
        (answered.status.as_u16(), &told["action"], &told["ok"]),
        (502, &json!("enabled"), &json!(false))
    );
    assert!(told["error"].as_str().unwrap().contains("404"), "{told}");
    one.set_dead(false);
    until("it is tried further", || served.gateway.totals().healthy == 1).await;
}

#[tokio::test]
async fn disabled_it_stays_over_reloads_and_restarts() {
    let one = echoing().start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = |extra: &str| format!("backends:\n{}", one.yaml("one", extra));
    let served = Served::kept_in(folder.path(), &config("")).await;
    until("ready", || served.gateway.totals().healthy == 1).await;
    post(&served, "backends/one/disable").await;
    let of_reload = one.seen("initialize").len();
    for extra in [", group: red", ", headers: {X-New: way}"] {
        served.apply(&config(extra)).await;
        assert_eq!(served.gateway.totals().total, 0, "{extra}");
    }
    served.stopped().await;
    let served = Served::kept_in(folder.path(), &config("")).await;
    assert_eq!(numbers(&served).await, json!(["healthy", 0, 0]));
    assert_eq!(one.seen("initialize").len(), of_reload, "it was connected to");
    assert_eq!(post(&served, "backends/one/enable").await.status, 200);
    served.stopped().await;
    let served = Served::kept_in(folder.path(), &config("")).await;
    assert_eq!(served.gateway.totals().total, 1);
    // What is configured no more is forgotten.
    post(&served, "backends/one/disable").await;
    served.apply("backends: {}").await;
    served.apply(&config("")).await;
    assert_eq!(served.gateway.totals().total, 1);
}

#[tokio::test]
async fn one_that_a_reload_adds_runs_although_its_name_was_disabled_once() {
    let one = echoing().start().await;
    let folder = tempfile::tempdir().unwrap();
    let config = format!("backends:\n{}", one.yaml("one", ""));
    let served = Served::kept_in(folder.path(), &config).await;
    post(&served, "backends/one/disable").await;
    served.stopped().await;
    // It is taken out between two runs.
    let served = Served::kept_in(folder.path(), "backends: {}").await;
    served.apply(&config).await;
    assert_eq!(served.gateway.totals().total, 1);
}

#[tokio::test]
async fn what_it_did_outlives_a_time_without_a_usable_definition() {
    let one = echoing().start().await;
    let config = |extra: &str| format!("backends:\n{}", one.yaml("one", extra));
    let served = Served::with(&config("")).await;
    until("ready", || served.gateway.totals().healthy == 1).await;
    served.session().await.tool("t").await.result();
    for extra in [", headers: {X-Key: '${SURELY_NOT_SET}'}", ", headers: {X-Key: '1'}"] {
        served.apply(&config(extra)).await;
        let told = served.get("/manage/v1/backends/one").send().await.message();
        assert_eq!(told["calls"]["made"], 1, "{told}");
    }
}

#[tokio::test]
async fn one_behind_a_url_gets_new_connections_by_a_restart() {
    let one = echoing().start().await;
    let served = Served::backends(&[one.yaml("one", "")]).await;
    until("ready", || served.gateway.totals().healthy == 1).await;
    one.streams(1).await;
    insta::assert_snapshot!(post(&served, "backends/one/restart").await.shown());
    one.streams_ended(1).await;
    assert_eq!(served.gateway.totals().healthy, 1);
}

#[tokio::test]
async fn unknown_names_and_malformed_ones() {
    let served = Served::alone().await;
    for action in ["enable", "disable", "restart"] {
        assert_eq!(
            post(&served, &format!("backends/x/{action}")).await.status,
            404,
            "{action}"
        );
        assert_eq!(
            post(&served, &format!("backends/%ff/{action}")).await.status,
            400,
            "{action}"
        );
    }
    assert_eq!(post(&served, "backends/x/nothing").await.status, 404);
    assert_eq!(served.get("/manage/v1/backends/x/enable").send().await.status, 405);
}
