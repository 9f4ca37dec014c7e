//! `subscriptions/listen` of modern clients.

use serde_json::{Value, json};

use crate::support::{Backend, Open, Served};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

async fn gateway() -> (Backend, Served) {
    let changes = json!({"listChanged": true});
    let backend = Backend::modern()
        .capabilities(
            json!({"tools": changes, "prompts": changes, "resources": {"listChanged": true, "subscribe": true}}),
        )
        .tools(&["a"])
        .resources(&["x://1", "x://2"])
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    // The gateway's own listener.
    backend.streams(1).await;
    (backend, served)
}

async fn listen(served: &Served, id: &Value, wanted: Value) -> Open {
    let request = served.modern("subscriptions/listen", json!({"notifications": wanted}));
    let id = id.clone();
    request.change(|body| body["id"] = id).open().await
}

#[tokio::test]
async fn the_acknowledgement_comes_first() {
    let (_backend, served) = gateway().await;
    let wanted = json!({"toolsListChanged": true, "promptsListChanged": false, "unknown": true});
    let mut stream = listen(&served, &json!("s"), wanted).await;
    assert_eq!(stream.status, 200);
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    let expected = json!({
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {"notifications": {"toolsListChanged": true}, "_meta": {SUBSCRIPTION: "s"}},
    });
    assert_eq!(stream.message().await, expected);
}

#[tokio::test]
async fn the_subscription_keeps_the_type_of_its_id() {
    let (backend, served) = gateway().await;
    for id in [json!("7"), json!(7), json!("")] {
        let mut stream = listen(&served, &id, json!({"toolsListChanged": true})).await;
        assert_eq!(stream.message().await["params"]["_meta"][SUBSCRIPTION], id);
        backend.tell("notifications/tools/list_changed", json!({}));
        assert_eq!(stream.message().await["params"]["_meta"][SUBSCRIPTION], id);
    }
}

#[tokio::test]
async fn only_wanted_kinds_arrive() {
    let (backend, served) = gateway().await;
    let mut stream = listen(&served, &json!(1), json!({"promptsListChanged": true})).await;
    stream.message().await;
    backend.set_tools(&["b"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    backend.tell("notifications/resources/updated", json!({"uri": "x://1"}));
    backend.tell("notifications/prompts/list_changed", json!({}));
    assert_eq!(stream.message().await["method"], "notifications/prompts/list_changed");
}

#[tokio::test]
async fn updates_of_wanted_resources_arrive() {
    let (backend, served) = gateway().await;
    let mut stream = listen(
        &served,
        &json!("mine"),
        json!({"resourceSubscriptions": ["x://1", "y://unknown"]}),
    )
    .await;
    let acknowledged = stream.message().await;
    // One that nobody lists may still be known to the backend that has resources.
    assert_eq!(
        acknowledged["params"]["notifications"]["resourceSubscriptions"],
        json!(["x://1", "y://unknown"])
    );
    backend.streams(2).await;
    backend.tell("notifications/resources/updated", json!({"uri": "x://1", "n": 1}));
    let told = stream.message().await;
    assert_eq!(
        told["params"],
        json!({"uri": "x://1", "n": 1, "_meta": {SUBSCRIPTION: "mine"}})
    );
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_not_acknowledged() {
    let backend = Backend::legacy().resources(&["x://1"]).start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let mut stream = listen(&served, &json!(1), json!({"resourceSubscriptions": ["x://1"]})).await;
    assert_eq!(stream.message().await["params"]["notifications"], json!({}));
}

#[tokio::test]
async fn ends_with_a_result_when_the_gateway_stops() {
    let (_backend, served) = gateway().await;
    let mut stream = listen(&served, &json!("s"), json!({"toolsListChanged": true})).await;
    stream.message().await;
    served.stop();
    let last = stream.message().await;
    let server = last["result"]["_meta"]["io.modelcontextprotocol/serverInfo"].clone();
    assert_eq!(server["name"], "argus-mcp");
    let meta = json!({SUBSCRIPTION: "s", "io.modelcontextprotocol/serverInfo": server});
    let expected = json!({"jsonrpc": "2.0", "id": "s", "result": {"resultType": "complete", "_meta": meta}});
    assert_eq!(last, expected);
    assert_eq!(stream.next().await, None);
    served.stopped().await;
}

#[tokio::test]
async fn the_backend_no_longer_has_to_tell_a_client_that_went() {
    let (backend, served) = gateway().await;
    let mut stream = listen(&served, &json!("s"), json!({"resourceSubscriptions": ["x://1"]})).await;
    stream.message().await;
    backend.streams(2).await;
    drop(stream);
    backend.streams_ended(1).await;
}

#[tokio::test]
async fn a_wish_must_be_well_formed() {
    let (_backend, served) = gateway().await;
    for params in [
        json!({}),
        json!({"notifications": 5}),
        json!({"notifications": {"toolsListChanged": "yes"}}),
    ] {
        let answered = served.modern("subscriptions/listen", params.clone()).send().await;
        assert_eq!(answered.code(), -32602, "{params}");
    }
}

#[tokio::test]
async fn the_header_rules_hold_here_too() {
    let (_backend, served) = gateway().await;
    let request = served
        .modern("subscriptions/listen", json!({"notifications": {}}))
        .without("mcp-method");
    assert_eq!(request.send().await.code(), -32020);
}

#[tokio::test]
async fn legacy_clients_know_nothing_of_it() {
    let (_backend, served) = gateway().await;
    let session = served.session().await;
    assert_eq!(
        session
            .call("subscriptions/listen", json!({"notifications": {}}))
            .await
            .code(),
        -32601
    );
}
