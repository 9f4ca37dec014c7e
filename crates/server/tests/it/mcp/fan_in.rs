//! `subscriptions/listen`: what many clients want is wanted once of each backend, of whatever era, and what backends tell
//! reaches whoever wants it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Draft, Open, Served, until};

const UPDATED: &str = "notifications/resources/updated";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

async fn opened(served: &Served, id: &Value, wanted: Value) -> Open {
    let request = served.modern("subscriptions/listen", json!({"notifications": wanted}));
    let id = id.clone();
    request.change(|body| body["id"] = id).open().await
}

/// Listens to resources; gives those that were granted, too.
async fn listen(served: &Served, uris: &[&str]) -> (Open, Value) {
    let mut stream = opened(served, &json!("l"), json!({"resourceSubscriptions": uris})).await;
    let granted = stream.message().await["params"]["notifications"].take();
    (stream, granted)
}

fn granted(uris: &[&str]) -> Value {
    json!({"resourceSubscriptions": uris})
}

/// The next message, which is an update.
async fn heard(stream: &mut Open) -> Value {
    let mut message = stream.message().await;
    assert_eq!(message["method"], UPDATED);
    assert_eq!(message["params"]["_meta"], json!({SUBSCRIPTION: "l"}));
    message["params"].as_object_mut().unwrap().remove("_meta");
    message["params"].take()
}

async fn hears_nothing(stream: &mut Open) {
    let more = tokio::time::timeout(Duration::from_millis(200), stream.next()).await;
    assert!(more.is_err(), "{more:?}");
}

fn legacy() -> Draft {
    Backend::legacy()
        .capabilities(json!({"resources": {"subscribe": true}}))
        .resources(&["x://1", "x://2"])
        .result("resources/subscribe", json!({}))
        .result("resources/unsubscribe", json!({}))
}

/// A legacy backend whose shared connection has its standing stream, besides that of the catalogue's.
async fn shared(draft: Draft) -> (Backend, Served) {
    let backend = draft.tools(&["t"]).start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    served.modern("resources/read", json!({"uri": "x://1"})).send().await;
    backend.streams(2).await;
    (backend, served)
}

/// The URIs that were named with a method, in order.
fn named(backend: &Backend, method: &str) -> Vec<String> {
    let seen = backend.seen(method);
    let uri = |one: &crate::support::Seen| one.message["params"]["uri"].as_str().unwrap().to_owned();
    seen.iter().map(uri).collect()
}

#[tokio::test]
async fn one_subscription_at_a_legacy_backend_serves_all() {
    let (backend, served) = shared(legacy()).await;
    let (mut first, acknowledged) = listen(&served, &["x://1"]).await;
    assert_eq!(acknowledged, granted(&["x://1"]));
    let (mut second, acknowledged) = listen(&served, &["x://2", "x://1", "x://2"]).await;
    assert_eq!(acknowledged, granted(&["x://2", "x://1"]), "each once");
    assert_eq!(named(&backend, "resources/subscribe"), ["x://1", "x://2"]);
    backend.tell(UPDATED, json!({"uri": "x://1", "n": 1.5}));
    for stream in [&mut first, &mut second] {
        assert_eq!(heard(stream).await, json!({"uri": "x://1", "n": 1.5}));
    }
    backend.tell(UPDATED, json!({"uri": "x://2"}));
    assert_eq!(heard(&mut second).await, json!({"uri": "x://2"}));
    hears_nothing(&mut first).await;
    drop(second);
    until("the end of a subscription", || {
        !named(&backend, "resources/unsubscribe").is_empty()
    })
    .await;
    assert_eq!(
        named(&backend, "resources/unsubscribe"),
        ["x://2"],
        "the other one is still wanted"
    );
    drop(first);
    until("the end of the other", || {
        named(&backend, "resources/unsubscribe").len() == 2
    })
    .await;
}

#[tokio::test]
async fn modern_and_legacy_clients_do_not_end_each_others_subscriptions() {
    let (backend, served) = shared(legacy()).await;
    let session = served.session().await;
    let mut feed = session.listen().await;
    let subscribed = session.call("resources/subscribe", json!({"uri": "x://1"})).await;
    assert_eq!(subscribed.result(), json!({}));
    let (stream, _) = listen(&served, &["x://1", "x://2"]).await;
    drop(stream);
    until("the end of a subscription", || {
        !named(&backend, "resources/unsubscribe").is_empty()
    })
    .await;
    let (mut stream, _) = listen(&served, &["x://1"]).await;
    assert_eq!(
        named(&backend, "resources/unsubscribe"),
        ["x://2"],
        "the session wants the other"
    );
    let unsubscribed = session.call("resources/unsubscribe", json!({"uri": "x://1"})).await;
    assert_eq!(unsubscribed.result(), json!({}));
    assert_eq!(
        named(&backend, "resources/unsubscribe"),
        ["x://2"],
        "the listener wants it"
    );
    backend.tell(UPDATED, json!({"uri": "x://1"}));
    assert_eq!(heard(&mut stream).await, json!({"uri": "x://1"}));
    hears_nothing(&mut feed).await;
}

#[tokio::test]
async fn a_part_of_what_was_subscribed_to_changes() {
    let (backend, served) = shared(legacy()).await;
    let (subscribed, unconcerned) = (served.session().await, served.session().await);
    let (mut feed, mut other) = (subscribed.listen().await, unconcerned.listen().await);
    for (session, uri) in [(&subscribed, "x://1"), (&unconcerned, "x://2")] {
        let subscribed = session.call("resources/subscribe", json!({"uri": uri})).await;
        assert_eq!(subscribed.result(), json!({}));
    }
    let (mut stream, _) = listen(&served, &["x://1"]).await;
    for uri in ["x://1/part", "x://12", "x://1"] {
        backend.tell(UPDATED, json!({"uri": uri}));
    }
    for uri in ["x://1/part", "x://1"] {
        assert_eq!(heard(&mut stream).await["uri"], uri);
        assert_eq!(feed.notification(UPDATED).await["params"]["uri"], uri);
    }
    hears_nothing(&mut feed).await;
    hears_nothing(&mut other).await;
}

#[tokio::test]
async fn what_the_backend_refuses_is_not_acknowledged() {
    let refusing = legacy().on("resources/subscribe", |call| async move {
        match call.params["uri"] == "x://2" {
            true => Answer::error(-32602, "not that one"),
            false => json!({}).into(),
        }
    });
    let (_backend, served) = shared(refusing).await;
    let (_stream, acknowledged) = listen(&served, &["x://2", "x://1"]).await;
    assert_eq!(acknowledged, granted(&["x://1"]));
}

#[tokio::test]
async fn what_the_caller_may_not_see_or_nobody_has_is_not_acknowledged() {
    for draft in [
        legacy(),
        Backend::modern()
            .capabilities(json!({"resources": {"subscribe": true, "listChanged": true}}))
            .resources(&["x://1", "x://2"]),
    ] {
        let backend = draft.start().await;
        let none = Backend::legacy().capabilities(json!({"tools": {}})).start().await;
        let hidden = ", filters: {resources: {deny: [\"x://2\", \"x://1/secret\"]}}";
        let served = Served::backends(&[backend.yaml("one", hidden), none.yaml("two", "")]).await;
        let (mut stream, acknowledged) = listen(&served, &["x://2", "x://1"]).await;
        assert_eq!(acknowledged, granted(&["x://1"]));
        backend.streams(2).await;
        // Not even as a part of what it may see.
        for uri in ["x://2", "x://1/secret", "x://1/open"] {
            backend.tell(UPDATED, json!({ "uri": uri }));
        }
        assert_eq!(heard(&mut stream).await, json!({"uri": "x://1/open"}));
    }
    let without = Backend::legacy().capabilities(json!({"tools": {}})).start().await;
    let served = Served::backends(&[without.yaml("one", "")]).await;
    let (_stream, acknowledged) = listen(&served, &["x://1"]).await;
    assert_eq!(acknowledged, json!({}));
}

#[tokio::test]
async fn a_backend_that_cannot_tell_updates_is_not_asked() {
    let (backend, served) = shared(legacy().capabilities(json!({"resources": {}}))).await;
    let (_stream, acknowledged) = listen(&served, &["x://1"]).await;
    assert_eq!(acknowledged, json!({}));
    assert!(backend.seen("resources/subscribe").is_empty());
}

#[tokio::test]
async fn a_resource_that_nobody_lists_is_heard_of_from_whoever_knows_it() {
    let unknowing = legacy().on("resources/subscribe", |_| async { Answer::error(-32002, "unknown") });
    let (one, two) = (unknowing.start().await, legacy().start().await);
    let served = Served::backends(&[one.yaml("one", ""), two.yaml("two", "")]).await;
    let (mut stream, acknowledged) = listen(&served, &["y://unlisted"]).await;
    assert_eq!(acknowledged, granted(&["y://unlisted"]));
    two.streams(2).await;
    one.tell(UPDATED, json!({"uri": "y://unlisted", "by": 1}));
    two.tell(UPDATED, json!({"uri": "y://unlisted", "by": 2}));
    assert_eq!(heard(&mut stream).await["by"], 2);
    hears_nothing(&mut stream).await;
}

#[tokio::test]
async fn a_new_connection_is_subscribed_on_and_anything_may_have_changed() {
    let (backend, served) = shared(legacy()).await;
    let (mut stream, _) = listen(&served, &["x://1"]).await;
    let (mut other, _) = listen(&served, &["x://1"]).await;
    backend.set_dead(true);
    backend.streams_ended(2).await;
    // Both connections learn that their session is gone, and the shared one is tried anew.
    until("attempts of those that were cut off", || {
        backend.seen("GET").len() >= 4 && backend.seen("initialize").len() >= 3
    })
    .await;
    backend.set_dead(false);
    assert_eq!(heard(&mut stream).await, json!({"uri": "x://1"}));
    assert_eq!(heard(&mut other).await, json!({"uri": "x://1"}));
    let subscribed = backend.seen("resources/subscribe");
    let session = |at: usize| subscribed[at].headers["mcp-session-id"].clone();
    assert_eq!(named(&backend, "resources/subscribe"), ["x://1"; 2]);
    assert_ne!(session(0), session(1));
    backend.streams(4).await;
    backend.tell(UPDATED, json!({"uri": "x://1", "n": 1}));
    assert_eq!(heard(&mut stream).await, json!({"uri": "x://1", "n": 1}), "once");
}

#[tokio::test]
async fn what_was_said_while_a_standing_stream_was_broken_is_lost_and_may_have_been_anything() {
    let (backend, served) = shared(legacy()).await;
    let session = served.session().await;
    let mut feed = session.listen().await;
    session.call("resources/subscribe", json!({"uri": "x://2"})).await;
    let (mut stream, _) = listen(&served, &["x://1"]).await;
    // Ends the standing streams and nothing else.
    backend.set_dead(false);
    backend.streams_ended(2).await;
    assert_eq!(heard(&mut stream).await, json!({"uri": "x://1"}));
    assert_eq!(feed.notification(UPDATED).await["params"]["uri"], "x://2");
    hears_nothing(&mut stream).await;
    assert_eq!(
        named(&backend, "resources/subscribe"),
        ["x://2", "x://1"],
        "the session stands"
    );
}

/// The resources that were listened to at a modern backend, each time.
fn filters(backend: &Backend) -> Vec<Value> {
    let seen = backend.seen("subscriptions/listen");
    let filters = seen.iter().map(|one| &one.message["params"]["notifications"]);
    filters
        .map(|filter| filter["resourceSubscriptions"].clone())
        .filter(|uris| !uris.is_null())
        .collect()
}

#[tokio::test]
async fn many_listeners_are_one_at_a_modern_backend() {
    let backend = Backend::modern()
        .capabilities(json!({"resources": {"subscribe": true}}))
        .resources(&["x://1", "x://2", "x://3"])
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let (stream, acknowledged) = listen(&served, &["x://1"]).await;
        assert_eq!(acknowledged, granted(&["x://1"]));
        streams.push(stream);
    }
    assert_eq!(filters(&backend), [json!(["x://1"])]);
    let session = served.session().await;
    session.call("resources/subscribe", json!({"uri": "x://3"})).await;
    let (mut other, _) = listen(&served, &["x://2"]).await;
    assert_eq!(
        filters(&backend).last().unwrap(),
        &json!(["x://1", "x://2", "x://3"]),
        "what all want, of either era"
    );
    // Streams that were replaced are closed: one stands.
    backend.streams_ended(2).await;
    backend.tell(UPDATED, json!({"uri": "x://1", "n": 1.5}));
    for stream in &mut streams {
        assert_eq!(heard(stream).await, json!({"uri": "x://1", "n": 1.5}));
    }
    hears_nothing(&mut other).await;
    drop((streams, other));
    until("a smaller filter", || {
        filters(&backend).last() == Some(&json!(["x://3"]))
    })
    .await;
}

#[tokio::test]
async fn a_modern_backend_that_was_away_may_have_changed_anything_once() {
    let backend = Backend::modern()
        .capabilities(json!({"resources": {"subscribe": true}}))
        .resources(&["x://1"])
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let (mut stream, _) = listen(&served, &["x://1"]).await;
    let listened = backend.seen("subscriptions/listen").len();
    backend.set_dead(true);
    backend.streams_ended(1).await;
    until("an attempt while it is away", || {
        backend.seen("subscriptions/listen").len() > listened
    })
    .await;
    backend.set_dead(false);
    assert_eq!(heard(&mut stream).await, json!({"uri": "x://1"}));
    hears_nothing(&mut stream).await;
}

#[tokio::test]
async fn lists_of_legacy_backends_are_announced_when_the_new_ones_stand() {
    let (backend, served) =
        shared(legacy().capabilities(json!({"tools": {"listChanged": true}, "resources": {}}))).await;
    let mut stream = opened(&served, &json!(7), json!({"toolsListChanged": true})).await;
    assert_eq!(
        stream.message().await["params"],
        json!({"notifications": {"toolsListChanged": true}, "_meta": {SUBSCRIPTION: 7}})
    );
    backend.set_tools(&["fresh"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    let told = stream.message().await;
    assert_eq!(told["method"], "notifications/tools/list_changed");
    assert_eq!(told["params"], json!({"_meta": {SUBSCRIPTION: 7}}));
    let listed = served.modern("tools/list", json!({})).send().await;
    assert_eq!(listed.result()["tools"][0]["name"], "fresh");
}

#[tokio::test]
async fn on_a_stream_of_http_sse() {
    let (backend, served) = shared(legacy()).await;
    let mut client = served.sse().await;
    for id in [json!("l"), json!(5)] {
        let filter = json!({"notifications": {"resourceSubscriptions": ["x://1"], "promptsListChanged": true}});
        client.ask_modern(id.clone(), "subscriptions/listen", filter).await;
        let acknowledged = client.message().await;
        assert_eq!(
            acknowledged["params"],
            json!({
                "notifications": {"resourceSubscriptions": ["x://1"], "promptsListChanged": true},
                "_meta": {SUBSCRIPTION: id},
            })
        );
    }
    assert_eq!(named(&backend, "resources/subscribe"), ["x://1"]);
    backend.tell(UPDATED, json!({"uri": "x://1"}));
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(client.message().await["params"]["_meta"][SUBSCRIPTION].take());
    }
    assert!(ids.contains(&json!("l")) && ids.contains(&json!(5)), "{ids:?}");
    client.notify("notifications/cancelled", json!({"requestId": 5})).await;
    backend.tell(UPDATED, json!({"uri": "x://1"}));
    assert_eq!(client.message().await["params"]["_meta"][SUBSCRIPTION], "l");
    client
        .notify("notifications/cancelled", json!({"requestId": "l"}))
        .await;
    until("the end of the subscription", || {
        named(&backend, "resources/unsubscribe") == ["x://1"]
    })
    .await;
}

#[tokio::test]
async fn too_many_resources() {
    let served = Served::alone().await;
    let many: Vec<String> = (0..1001).map(|n| format!("x://{n}")).collect();
    for uris in [many, vec!["x".repeat(300 * 1024)]] {
        let filter = json!({"notifications": {"resourceSubscriptions": uris}});
        let refused = served.modern("subscriptions/listen", filter).send().await;
        assert_eq!(refused.code(), -32602, "{}", refused.body);
    }
}

/// Less than the gateway waits for a backend that does not answer.
const UNANSWERED: Duration = Duration::from_millis(4500);

#[tokio::test]
async fn a_resource_that_the_backend_does_not_answer_for_keeps_no_other_waiting() {
    let draft = legacy().on("resources/subscribe", |call| async move {
        match call.params["uri"] == "x://1" {
            true => Answer::Silence,
            false => json!({}).into(),
        }
    });
    let (backend, served) = shared(draft).await;
    let silent = listen(&served, &["x://1"]);
    let others = async {
        until("the silent one", || !named(&backend, "resources/subscribe").is_empty()).await;
        let began = std::time::Instant::now();
        let (mut stream, acknowledged) = listen(&served, &["x://2"]).await;
        assert_eq!(acknowledged, granted(&["x://2"]));
        assert!(began.elapsed() < UNANSWERED, "it waited: {:?}", began.elapsed());
        backend.tell(UPDATED, json!({"uri": "x://2"}));
        assert_eq!(heard(&mut stream).await, json!({"uri": "x://2"}));
        drop(stream);
        until("its end", || !named(&backend, "resources/unsubscribe").is_empty()).await;
        assert!(began.elapsed() < UNANSWERED, "its end waited: {:?}", began.elapsed());
    };
    let ((_stream, acknowledged), ()) = futures::join!(silent, others);
    assert_eq!(acknowledged, json!({}), "what is silent is not granted");
}
