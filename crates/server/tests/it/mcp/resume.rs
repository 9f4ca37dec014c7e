//! Streams that break, and clients that come back for what they missed.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::support::{Backend, Open, Served, Session, soon, until};

const PROGRESS: &str = "notifications/progress";

/// A backend whose tool reports progress as often as it is let, four times, and then answers.
struct Stepwise {
    backend: Backend,
    served: Served,
    steps: Arc<Semaphore>,
}

impl Stepwise {
    async fn start() -> Self {
        let steps = Arc::new(Semaphore::new(0));
        let backend = Backend::legacy()
            .tools(&["t"])
            .on("tools/call", {
                let steps = Arc::clone(&steps);
                move |call| {
                    let steps = Arc::clone(&steps);
                    async move {
                        for progress in 1..=4 {
                            steps.acquire().await.unwrap().forget();
                            call.progress(progress);
                        }
                        steps.acquire().await.unwrap().forget();
                        json!({"content": [], "n": 1.0})
                    }
                }
            })
            .start()
            .await;
        let served = Served::backends(&[backend.yaml("one", "")]).await;
        Self { backend, served, steps }
    }

    fn step(&self, count: usize) {
        self.steps.add_permits(count);
    }

    /// Calls the tool and waits for its first progress.
    async fn call(&self, session: &Session) -> Open {
        self.step(1);
        let params = json!({"name": "t", "_meta": {"progressToken": "mine"}});
        let mut open = session.ask("tools/call", params).open().await;
        assert_eq!(progress(&mut open).await, 1);
        open
    }
}

async fn progress(open: &mut Open) -> u64 {
    let message = open.message().await;
    assert_eq!(
        (&message["method"], &message["params"]["progressToken"]),
        (&json!(PROGRESS), &json!("mine"))
    );
    message["params"]["progress"].as_u64().unwrap()
}

/// The rest of a stream, which ends with the response to the request 1.
async fn answered(open: &mut Open) {
    let response = json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [], "n": 1.0}});
    assert_eq!(open.message().await, response);
    assert_eq!(open.next().await, None);
}

#[tokio::test]
async fn a_call_whose_stream_broke_is_heard_to_its_end() {
    let world = Stepwise::start().await;
    let session = world.served.session().await;
    let open = world.call(&session).await;
    let seen = open.last_id().to_owned();
    drop(open);
    world.step(4);
    let mut again = session.after(&seen).open().await;
    assert_eq!(again.status, 200);
    for expected in 2..=4 {
        assert_eq!(progress(&mut again).await, expected);
    }
    answered(&mut again).await;
    assert_eq!(world.backend.seen("tools/call").len(), 1);
    assert!(world.backend.seen("notifications/cancelled").is_empty());
}

#[tokio::test]
async fn a_stream_may_break_several_times() {
    let world = Stepwise::start().await;
    let session = world.served.session().await;
    let mut open = world.call(&session).await;
    for expected in 2..=4 {
        let seen = open.last_id().to_owned();
        drop(open);
        open = session.after(&seen).open().await;
        world.step(1);
        assert_eq!(progress(&mut open).await, expected);
    }
    world.step(1);
    answered(&mut open).await;
}

#[tokio::test]
async fn a_client_that_comes_back_takes_over_from_a_stream_that_is_open() {
    let world = Stepwise::start().await;
    let session = world.served.session().await;
    let mut first = world.call(&session).await;
    let mut second = session.after(first.last_id()).open().await;
    assert_eq!(first.next().await, None);
    let mut third = session.after(first.last_id()).open().await;
    assert_eq!(second.next().await, None);
    world.step(4);
    for expected in 2..=4 {
        assert_eq!(progress(&mut third).await, expected);
    }
    answered(&mut third).await;
}

#[tokio::test]
async fn what_was_sent_is_sent_again_until_the_client_has_seen_it() {
    let world = Stepwise::start().await;
    let session = world.served.session().await;
    let mut open = world.call(&session).await;
    let first = open.last_id().to_owned();
    world.step(4);
    while open.next().await.is_some() {}
    let last = open.last_id().to_owned();
    for _ in 0..2 {
        let mut again = session.after(&first).open().await;
        for expected in 2..=4 {
            assert_eq!(progress(&mut again).await, expected);
        }
        answered(&mut again).await;
    }
    let nothing = session.after(&last).send().await;
    assert_eq!((nothing.status.as_u16(), &*nothing.body), (200, ""));
}

#[tokio::test]
async fn ids_mean_nothing_outside_their_session() {
    let world = Stepwise::start().await;
    let (one, two) = (world.served.session().await, world.served.session().await);
    let open = world.call(&one).await;
    let foreign = two.after(open.last_id()).send().await;
    assert_eq!(foreign.status, 410);
    insta::assert_snapshot!(foreign.shown(), @r#"
    410 Gone
    content-type: application/json

    {"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"this stream is no longer kept, and what was said on it is lost; send the request again"}}
    "#);
    drop(open);
    assert_eq!(one.after("2-0").send().await.status, 410);
}

#[tokio::test]
async fn ids_that_were_never_given_are_refused() {
    let world = Stepwise::start().await;
    let session = world.served.session().await;
    let open = world.call(&session).await;
    for odd in [
        "",
        "1",
        "-1",
        "1-",
        "1-x",
        "1-1-1",
        "1--1",
        " ",
        "\u{e9}",
        "1-18446744073709551616",
    ] {
        assert_eq!(session.after(odd).send().await.status, 400, "{odd:?}");
    }
    for never in ["1-2", "0-1", "0-99"] {
        let refused = session.after(never).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, -32600), "{never}");
        assert!(refused.body.contains("never sent"), "{}", refused.body);
    }
    insta::assert_snapshot!(session.after("abc").send().await.body, @r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Last-Event-ID must be an id that an event of this session had, like `3-7`"}}"#);
    drop(open);
}

#[tokio::test]
async fn only_2025_11_25_has_priming_events() {
    let world = Stepwise::start().await;
    for (version, primed) in [("2025-11-25", true), ("2025-06-18", false), ("2025-03-26", false)] {
        let session = world.served.session_of(version, json!({})).await;
        world.step(5);
        let params = json!({"name": "t", "_meta": {"progressToken": "mine"}});
        let whole = session.ask("tools/call", params).send().await;
        assert!(whole.is_stream());
        assert_eq!(
            whole.body.starts_with("id: 1-0\nretry: 1000\ndata: \n\n"),
            primed,
            "{}",
            whole.body
        );
        assert_eq!(whole.body.contains("data: \n"), primed, "{version}");
        assert_eq!(whole.body.contains("retry"), primed, "{version}");
        assert!(whole.body.contains("event: message\nid: 1-5\ndata: {"), "{version}");
        let mut again = session.after("1-4").open().await;
        answered(&mut again).await;
    }
}

#[tokio::test]
async fn a_stream_can_be_resumed_before_anything_was_said_on_it() {
    let world = Stepwise::start().await;
    let session = world.served.session().await;
    let params = json!({"name": "t", "_meta": {"progressToken": "mine"}});
    let mut open = session.ask("tools/call", params).open().await;
    let primed = open.primed().await;
    drop(open);
    world.step(5);
    let mut again = session.after(&primed).open().await;
    assert_eq!(progress(&mut again).await, 1);
}

#[tokio::test]
async fn a_batch_is_resumed_like_a_call() {
    let world = Stepwise::start().await;
    let session = world.served.session_of("2025-03-26", json!({})).await;
    let ping = json!({"jsonrpc": "2.0", "id": 7, "method": "ping"});
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "t"}});
    let mut open = session.post(json!([ping, call]).to_string()).open().await;
    assert_eq!(open.message().await["id"], 7);
    let seen = open.last_id().to_owned();
    drop(open);
    world.step(5);
    let mut again = session.after(&seen).open().await;
    while again.message().await.get("id").is_none() {}
    assert_eq!(again.next().await, None);
    let all = session.after("1-0").send().await;
    let ids: Vec<Value> = all
        .messages()
        .into_iter()
        .filter(|one| one.get("result").is_some())
        .collect();
    assert_eq!(ids.iter().map(|one| &one["id"]).collect::<Vec<_>>(), [7, 1]);
}

#[tokio::test]
async fn a_call_that_was_cancelled_in_between_has_no_answer() {
    let world = Stepwise::start().await;
    let session = world.served.session().await;
    let open = world.call(&session).await;
    let seen = open.last_id().to_owned();
    drop(open);
    session.notify("notifications/cancelled", json!({"requestId": 1})).await;
    world.backend.first("notifications/cancelled").await;
    let nothing = session.after(&seen).send().await;
    assert_eq!((nothing.status.as_u16(), &*nothing.body), (200, ""));
}

#[tokio::test]
async fn a_question_is_asked_again_and_can_be_answered() {
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            call.notify("notifications/message", json!({"level": "info", "data": 1}));
            let answer = call.ask("q", "elicitation/create", json!({"message": "?"})).await;
            json!({"content": [], "answer": answer["result"]})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session_of("2025-11-25", json!({"elicitation": {}})).await;
    let mut open = session.ask("tools/call", json!({"name": "t"})).open().await;
    open.notification("notifications/message").await;
    let seen = open.last_id().to_owned();
    let asked = open.notification("elicitation/create").await;
    drop(open);
    let mut again = session.after(&seen).open().await;
    assert_eq!(again.message().await, asked);
    session.answer(&asked["id"], json!({"action": "decline"})).await;
    assert_eq!(again.message().await["result"]["answer"], json!({"action": "decline"}));
    assert_eq!(again.next().await, None);
}

#[tokio::test]
async fn a_question_of_a_call_whose_client_left_before_there_was_a_stream_is_refused() {
    let go = Arc::new(Semaphore::new(0));
    let backend = Backend::legacy()
        .tools(&["t"])
        .on("tools/call", {
            let go = Arc::clone(&go);
            move |call| {
                let go = Arc::clone(&go);
                async move {
                    go.acquire().await.unwrap().forget();
                    call.ask("q", "elicitation/create", json!({"message": "?"})).await;
                    json!({"content": []})
                }
            }
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session_of("2025-11-25", json!({"elicitation": {}})).await;
    let calling = tokio::spawn(session.ask("tools/call", json!({"name": "t"})).open());
    backend.first("tools/call").await;
    calling.abort();
    assert!(calling.await.is_err());
    // The client's connection is gone; the gateway needs a moment to notice.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    go.add_permits(1);
    let answer = backend.first("response").await.message;
    assert_eq!(
        (&answer["id"], answer["error"]["code"].is_i64()),
        (&json!("q"), true),
        "{answer}"
    );
}

#[tokio::test]
async fn modern_streams_cannot_be_resumed() {
    let world = Stepwise::start().await;
    let params = json!({"name": "t", "_meta": {"progressToken": "mine"}});
    world.step(5);
    let request = world.served.modern("tools/call", params).header("last-event-id", "1-0");
    let whole = request.send().await;
    assert!(whole.is_stream() && !whole.body.contains("id: "), "{}", whole.body);
    assert_eq!(whole.messages().len(), 5);
}

/// A backend with a resource, and a session that hears its updates.
async fn subscribed() -> (Backend, Served, Session) {
    let backend = Backend::legacy()
        .capabilities(json!({"tools": {"listChanged": true}, "resources": {"subscribe": true}}))
        .resources(&["x://1"])
        .result("resources/subscribe", json!({}))
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    session
        .call("resources/subscribe", json!({"uri": "x://1"}))
        .await
        .result();
    // The catalogue's stream and that of the shared connection.
    backend.streams(2).await;
    (backend, served, session)
}

fn update(backend: &Backend, number: u64, bytes: usize) {
    let params = json!({"uri": "x://1", "n": number, "x": "x".repeat(bytes)});
    backend.tell("notifications/resources/updated", params);
}

async fn updated(stream: &mut Open) -> u64 {
    let told = stream.notification("notifications/resources/updated").await;
    told["params"]["n"].as_u64().unwrap()
}

#[tokio::test]
async fn the_feed_goes_on_where_it_broke() {
    let (backend, _served, session) = subscribed().await;
    let mut stream = session.listen().await;
    let primed = stream.primed().await;
    update(&backend, 1, 0);
    update(&backend, 2, 0);
    assert_eq!(updated(&mut stream).await, 1);
    let seen = stream.last_id().to_owned();
    assert_eq!(updated(&mut stream).await, 2);
    drop(stream);
    update(&backend, 3, 0);
    let mut stream = session.after(&seen).open().await;
    assert_eq!(stream.primed().await, seen);
    assert_eq!((updated(&mut stream).await, updated(&mut stream).await), (2, 3));
    update(&backend, 4, 0);
    assert_eq!(updated(&mut stream).await, 4);
    let mut all = session.after(&primed).open().await;
    assert_eq!(stream.next().await, None, "the newest reads");
    for expected in 1..=4 {
        assert_eq!(updated(&mut all).await, expected);
    }
}

#[tokio::test]
async fn a_feed_that_lost_something_says_that_anything_may_have_changed() {
    let (backend, _served, session) = subscribed().await;
    let mut stream = session.listen().await;
    for number in 1..=4 {
        update(&backend, number, 100_000);
        assert_eq!(updated(&mut stream).await, number);
    }
    drop(stream);
    let mut stream = session.after("0-1").open().await;
    for list in ["tools", "resources", "prompts"] {
        let told = stream.message().await;
        assert_eq!(told["method"], format!("notifications/{list}/list_changed"));
    }
    let told = stream.message().await;
    assert_eq!(
        (&told["method"], &told["params"]),
        (&json!("notifications/resources/updated"), &json!({"uri": "x://1"}))
    );
    assert_eq!(stream.last_id(), "0-1", "this is no event of the feed");
    assert_eq!((updated(&mut stream).await, updated(&mut stream).await), (3, 4));
    assert_eq!(stream.last_id(), "0-4");
    let mut stream = session.after("0-2").open().await;
    assert_eq!(stream.message().await["params"]["n"], 3, "nothing is missing");
}

#[tokio::test]
async fn a_question_outside_calls_is_asked_again() {
    let (backend, served, _) = subscribed().await;
    let session = served.session_of("2025-11-25", json!({"roots": {}})).await;
    session
        .call("resources/subscribe", json!({"uri": "x://1"}))
        .await
        .result();
    backend.streams(3).await;
    let mut stream = session.listen().await;
    let primed = stream.primed().await;
    backend.ask_standing("r1", "roots/list");
    let asked = stream.notification("roots/list").await;
    drop(stream);
    let mut stream = session.after(&primed).open().await;
    assert_eq!(stream.notification("roots/list").await, asked);
    session.answer(&asked["id"], json!({"roots": []})).await;
    until("the answer", || {
        let answers = backend.seen("response");
        answers
            .iter()
            .any(|seen| seen.message["result"] == json!({"roots": []}))
    })
    .await;
}

#[tokio::test]
async fn the_end_of_the_session_is_the_end_of_its_streams() {
    let world = Stepwise::start().await;
    let session = world.served.session().await;
    let open = world.call(&session).await;
    let seen = open.last_id().to_owned();
    drop(open);
    soon("the end", session.delete().send()).await;
    assert_eq!(session.after(&seen).send().await.status, 404);
    world.backend.first("notifications/cancelled").await;
}
