//! Legacy sessions subscribe to resources of a backend that is only modern: the gateway listens there for all of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Call, Open, Served, Session, until};

const UPDATED: &str = "notifications/resources/updated";
const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// A backend whose streams are in the hands of the test.
struct Listened {
    backend: Backend,
    /// Those that were asked for, in order.
    streams: Arc<Mutex<Vec<Call>>>,
}

impl Listened {
    async fn start(answer: fn(&Call) -> Option<Answer>) -> Self {
        let streams: Arc<Mutex<Vec<Call>>> = Arc::default();
        let kept = Arc::clone(&streams);
        let backend = Backend::modern()
            .capabilities(json!({"resources": {"subscribe": true}}))
            .resources(&["x://1", "x://2"])
            .on("subscriptions/listen", move |call| {
                kept.lock().unwrap().push(call.clone());
                let answer = answer(&call);
                async move { answer.unwrap_or(Answer::Silence) }
            })
            .start()
            .await;
        Self { backend, streams }
    }

    /// A backend that acknowledges each stream at once.
    async fn willing() -> (Self, Served) {
        let listened = Self::start(|call| {
            acknowledge(call);
            None
        })
        .await;
        let served = Served::backends(&[listened.backend.yaml("one", "")]).await;
        (listened, served)
    }

    async fn stream(&self, at: usize) -> Call {
        until("a stream", || self.streams.lock().unwrap().len() > at).await;
        self.streams.lock().unwrap()[at].clone()
    }

    fn count(&self) -> usize {
        self.streams.lock().unwrap().len()
    }

    async fn ended(&self, count: usize) {
        until("the end of a stream", || self.backend.given_up() >= count).await;
    }
}

fn acknowledge(call: &Call) {
    let granted = &call.params["notifications"];
    call.notify(
        "notifications/subscriptions/acknowledged",
        json!({"_meta": {SUBSCRIPTION: call.id}, "notifications": granted}),
    );
}

fn update(call: &Call, uri: &str) {
    call.notify(UPDATED, json!({"_meta": {SUBSCRIPTION: call.id}, "uri": uri, "n": 1}));
}

async fn subscribe(session: &Session, uri: &str) {
    let answered = session.call("resources/subscribe", json!({"uri": uri})).await;
    assert_eq!(answered.result(), json!({}));
}

async fn heard(stream: &mut Open) -> Value {
    stream.notification(UPDATED).await["params"].clone()
}

async fn hears_nothing(stream: &mut Open) {
    let more = tokio::time::timeout(Duration::from_millis(200), stream.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn an_update_reaches_those_who_subscribed_and_nobody_else() {
    let (listened, served) = Listened::willing().await;
    let (one, two, other) = (served.session().await, served.session().await, served.session().await);
    let (mut first, mut second, mut third) = (one.listen().await, two.listen().await, other.listen().await);
    subscribe(&one, "x://1").await;
    subscribe(&two, "x://1").await;
    subscribe(&other, "x://2").await;
    assert_eq!(
        listened.count(),
        2,
        "one who wants what is wanted already needs no other stream"
    );
    let stream = listened.stream(1).await;
    let wanted = &stream.params["notifications"];
    assert_eq!(*wanted, json!({"resourceSubscriptions": ["x://1", "x://2"]}));
    listened.ended(1).await;
    update(&stream, "x://1");
    let expected = json!({"uri": "x://1", "n": 1});
    assert_eq!(
        heard(&mut first).await,
        expected,
        "without the id of the gateway's own subscription"
    );
    assert_eq!(heard(&mut second).await, expected);
    update(&stream, "x://2");
    assert_eq!(heard(&mut third).await["uri"], "x://2");
    // A part of what was subscribed to.
    update(&stream, "x://1/part");
    for stream in [&mut first, &mut second] {
        assert_eq!(heard(stream).await["uri"], "x://1/part");
    }
    update(&stream, "x://12");
    hears_nothing(&mut first).await;
    hears_nothing(&mut third).await;
}

#[tokio::test]
async fn the_old_stream_is_heard_until_the_new_one_stands() {
    // The second stream waits for its acknowledgement.
    let listened = Listened::start(|call| {
        if call.params["notifications"]["resourceSubscriptions"]
            .as_array()
            .unwrap()
            .len()
            == 1
        {
            acknowledge(call);
        } else {
            call.notify("notifications/message", json!({"level": "info", "data": 1}));
        }
        None
    })
    .await;
    let served = Served::backends(&[listened.backend.yaml("one", "")]).await;
    let session = served.session().await;
    let mut stream = session.listen().await;
    subscribe(&session, "x://1").await;
    let old = listened.stream(0).await;
    let subscribing = {
        let session = session.clone();
        tokio::spawn(async move { subscribe(&session, "x://2").await })
    };
    let new = listened.stream(1).await;
    update(&old, "x://1");
    assert_eq!(heard(&mut stream).await["uri"], "x://1", "while the new one is made");
    assert!(!subscribing.is_finished() && listened.backend.given_up() == 0);
    // What the old stream says last is not lost.
    update(&old, "x://1");
    acknowledge(&new);
    assert_eq!(heard(&mut stream).await["uri"], "x://1");
    subscribing.await.unwrap();
    listened.ended(1).await;
    update(&new, "x://1");
    assert_eq!(heard(&mut stream).await["uri"], "x://1");
    hears_nothing(&mut stream).await;
}

#[tokio::test]
async fn nothing_is_heard_after_unsubscribing_and_the_last_one_ends_the_stream() {
    let (listened, served) = Listened::willing().await;
    let (one, other) = (served.session().await, served.session().await);
    let mut stream = one.listen().await;
    subscribe(&one, "x://1").await;
    subscribe(&other, "x://1").await;
    let standing = listened.stream(0).await;
    let unsubscribed = one.call("resources/unsubscribe", json!({"uri": "x://1"})).await;
    assert_eq!(unsubscribed.result(), json!({}));
    update(&standing, "x://1");
    hears_nothing(&mut stream).await;
    assert_eq!(listened.backend.given_up(), 0, "another one listens");
    other.delete().send().await;
    listened.ended(1).await;
    assert_eq!(listened.count(), 1);
    assert_eq!(
        one.call("resources/unsubscribe", json!({"uri": "x://1"}))
            .await
            .result(),
        json!({}),
        "once more does no harm"
    );
}

#[tokio::test]
async fn a_stream_that_breaks_is_opened_again_and_anything_may_have_changed() {
    let backend = Backend::modern()
        .capabilities(json!({"resources": {"subscribe": true}}))
        .resources(&["x://1"])
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    let mut stream = session.listen().await;
    subscribe(&session, "x://1").await;
    backend.set_dead(true);
    backend.streams_ended(1).await;
    backend.set_dead(false);
    assert_eq!(heard(&mut stream).await, json!({"uri": "x://1"}));
    backend.streams(2).await;
    backend.tell(UPDATED, json!({"uri": "x://1", "n": 2}));
    assert_eq!(heard(&mut stream).await, json!({"uri": "x://1", "n": 2}));
}

#[tokio::test]
async fn a_backend_that_cannot_be_listened_to() {
    let listened = Listened::start(|_| Some(Answer::error(-32601, "no such method"))).await;
    let served = Served::backends(&[listened.backend.yaml("one", "")]).await;
    let session = served.session().await;
    let refused = session.call("resources/subscribe", json!({"uri": "x://1"})).await;
    assert_eq!(refused.code(), -32010, "{}", refused.body);
    assert!(refused.body.contains("no such method"), "{}", refused.body);
}

#[tokio::test]
async fn a_resource_that_the_backend_grants_no_updates_of() {
    let listened = Listened::start(|call| {
        // What nobody asked for is no reason to ask again.
        let granted = json!({"resourceSubscriptions": ["x://1", "x://other"]});
        call.notify(
            "notifications/subscriptions/acknowledged",
            json!({"notifications": granted}),
        );
        None
    })
    .await;
    let served = Served::backends(&[listened.backend.yaml("one", "")]).await;
    let session = served.session().await;
    subscribe(&session, "x://1").await;
    let refused = session.call("resources/subscribe", json!({"uri": "x://2"})).await;
    assert_eq!(refused.code(), -32602, "{}", refused.body);
    // The stream that was opened on the chance serves on.
    let mut stream = session.listen().await;
    update(&listened.stream(1).await, "x://1");
    assert_eq!(heard(&mut stream).await["uri"], "x://1");
    assert_eq!(listened.count(), 2);
}

#[tokio::test]
async fn a_client_of_2024_hears_on_its_stream() {
    let (listened, served) = Listened::willing().await;
    let mut client = served.sse().await;
    client.initialize("2024-11-05", json!({})).await;
    let answered = client.call("resources/subscribe", json!({"uri": "x://1"})).await;
    assert_eq!(answered["result"], json!({}));
    update(&listened.stream(0).await, "x://1");
    let update = client.message().await;
    assert_eq!(
        (&update["method"], &update["params"]["uri"]),
        (&json!(UPDATED), &json!("x://1"))
    );
    drop(client);
    listened.ended(1).await;
}
