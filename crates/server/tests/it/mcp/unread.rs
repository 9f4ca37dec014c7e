//! Clients that stop reading a stream without leaving it. What a stream says is more than the buffers between the two
//! take, and time is real, for these buffers know no other.

use serde_json::{Value, json};

use super::lines::Lines;
use crate::support::{Answer, Backend, Draft, Open, Served, Session, soon, until};

const EVENT: usize = 64 << 10;
/// Events that the buffers between the two do not take, but these and what may wait together do.
const MANY: u64 = 50;
/// More than all of them take.
const TOO_MANY: u64 = 600;

/// A backend with a tool that says this much at once and then answers or is silent, and a quick one.
async fn flooding(draft: Draft, count: u64, then: Option<Value>) -> Backend {
    let flood = move |call: crate::support::Call| {
        let then = then.clone();
        async move {
            if call.params["name"] == "quick" {
                return json!({"resultType": "complete", "content": [], "quick": true}).into();
            }
            let token = call.params["_meta"]["progressToken"].clone();
            let message = "x".repeat(EVENT);
            for progress in 1..=count {
                let params = json!({"progressToken": token, "progress": progress, "message": message});
                call.notify("notifications/progress", params);
                // The first of it is on its way before the last is written.
                tokio::task::yield_now().await;
            }
            then.map_or(Answer::Silence, Answer::from)
        }
    };
    draft.tools(&["flood", "quick"]).on("tools/call", flood).start().await
}

fn done() -> Option<Value> {
    Some(json!({"resultType": "complete", "content": [], "done": true}))
}

async fn serving(backend: &Backend, more: &str) -> Served {
    Served::backends(&[backend.yaml("one", &format!(", max_concurrent_calls: 1{more}"))]).await
}

fn flood() -> Value {
    json!({"name": "flood", "_meta": {"progressToken": "mine"}})
}

/// Opens a stream of which nothing is read yet.
async fn legacy(session: &Session) -> Open {
    session.ask("tools/call", flood()).open().await
}

async fn modern(served: &Served) -> Open {
    served.modern("tools/call", flood()).open().await
}

/// Another client's call is answered.
async fn another(served: &Served) {
    let quick = served.modern("tools/call", json!({"name": "quick"})).send();
    assert_eq!(soon("another's answer", quick).await.result()["quick"], true);
}

/// Reads a stream to its end: everything in order and once; gives the last message.
async fn all(mut open: Open) -> Value {
    for expected in 1..=MANY {
        assert_eq!(open.message().await["params"]["progress"], expected);
    }
    let last = open.message().await;
    assert_eq!(open.next().await, None);
    last
}

#[tokio::test]
async fn a_modern_client_that_reads_late_holds_nobody_up_and_misses_nothing() {
    let backend = flooding(Backend::both(), MANY, done()).await;
    let served = serving(&backend, "").await;
    let unread = modern(&served).await;
    another(&served).await;
    assert_eq!(all(unread).await["result"]["done"], true);
}

#[tokio::test]
async fn a_legacy_client_that_reads_late_holds_nobody_up_and_misses_nothing() {
    let backend = flooding(Backend::both(), MANY, done()).await;
    let served = serving(&backend, "").await;
    let session = served.session().await;
    let unread = legacy(&session).await;
    another(&served).await;
    assert_eq!(all(unread).await["result"]["done"], true);
}

#[tokio::test]
async fn the_deadline_of_a_call_holds_for_clients_that_do_not_read() {
    let backend = flooding(Backend::both(), MANY, None).await;
    let served = serving(&backend, ", timeouts: {call: 4}").await;
    let session = served.session().await;
    // One after the other: there is one turn.
    let one = legacy(&session).await;
    until("the first deadline", || backend.given_up() == 1).await;
    let other = modern(&served).await;
    until("the second deadline", || backend.given_up() == 2).await;
    for unread in [one, other] {
        let last = all(unread).await;
        let error = last["error"]["message"].as_str().unwrap_or_default();
        assert!(error.contains("within 4 s"), "{last}");
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_can_cancel() {
    let backend = flooding(Backend::both(), MANY, None).await;
    let served = serving(&backend, "").await;
    let session = served.session().await;
    let unread = legacy(&session).await;
    session.notify("notifications/cancelled", json!({"requestId": 1})).await;
    until("the end of the call", || backend.given_up() == 1).await;
    another(&served).await;
    drop(unread);
}

#[tokio::test]
async fn a_modern_client_that_leaves_too_much_unread_is_cut_off() {
    let (lines, _guard) = Lines::collect();
    let backend = flooding(Backend::both(), TOO_MANY, None).await;
    let served = serving(&backend, "").await;
    let mut unread = modern(&served).await;
    until("the end of the call", || backend.given_up() == 1).await;
    assert_eq!(
        lines.warnings(),
        ["a client leaves too much of an answer unread; its call is given up"]
    );
    let taken = lines.take(1).await;
    assert_eq!(taken[0].1, "unread");
    another(&served).await;
    let mut read = 0;
    while let Some(message) = unread.next().await {
        read += 1;
        assert_eq!(message["params"]["progress"], read);
    }
    assert!((1..TOO_MANY).contains(&read), "{read}");
}

#[tokio::test]
async fn a_legacy_client_that_leaves_too_much_unread_misses_the_oldest() {
    let backend = flooding(Backend::both(), TOO_MANY, done()).await;
    let served = serving(&backend, "").await;
    let session = served.session().await;
    let mut unread = legacy(&session).await;
    another(&served).await;
    let mut seen = 0;
    let last = loop {
        let message = unread.message().await;
        let Some(progress) = message["params"]["progress"].as_u64() else {
            break message;
        };
        assert!(progress > seen, "{progress} after {seen}");
        seen = progress;
    };
    assert_eq!((seen, &last["result"]["done"]), (TOO_MANY, &json!(true)));
    assert_eq!(unread.next().await, None);
}
