//! `cache.enabled`: what is kept of reads, for whom, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Draft, Open, Served};

const URI: &str = "x://1";

/// Answers each read with its number, for everybody.
fn numbered(draft: Draft, ttl_ms: u64) -> Draft {
    let reads = Arc::new(AtomicUsize::new(0));
    draft
        .capabilities(json!({"resources": {"listChanged": true, "subscribe": true}}))
        .resources(&[URI])
        .on("resources/read", move |_| {
            let number = reads.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                json!({
                    "resultType": "complete", "contents": [], "number": number, "ttlMs": ttl_ms, "cacheScope": "public",
                })
            }
        })
}

async fn caching(backend: &Backend) -> Served {
    let yaml = backend.yaml("one", "");
    Served::with(&format!("cache: {{enabled: true}}\nbackends:\n{yaml}")).await
}

fn params() -> Value {
    json!({ "uri": URI })
}

/// What a modern client reads.
async fn read(served: &Served) -> Value {
    served.modern("resources/read", params()).send().await.result()
}

async fn number(served: &Served) -> u64 {
    read(served).await["number"].as_u64().unwrap()
}

async fn listen(served: &Served, wanted: Value) -> Open {
    let mut stream = served
        .modern("subscriptions/listen", json!({ "notifications": wanted }))
        .open()
        .await;
    let acknowledged = stream.message().await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    stream
}

#[tokio::test]
async fn what_is_public_is_read_once_and_says_how_long_it_still_holds() {
    let backend = numbered(Backend::modern(), 60_000).start().await;
    let served = caching(&backend).await;
    let first = read(&served).await;
    assert_eq!(first["ttlMs"], 60_000);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let mut second = read(&served).await;
    let left = second["ttlMs"].as_u64().unwrap();
    assert!((50_000..60_000 - 19).contains(&left), "{left}");
    second["ttlMs"] = 60_000.into();
    assert_eq!(second, first);
    // A legacy client gets it as well, as its backend gave it.
    let session = served.session().await;
    assert_eq!(session.call("resources/read", params()).await.result(), first);
    assert_eq!(backend.seen("resources/read").len(), 1);
}

#[tokio::test]
async fn what_a_legacy_client_read_is_kept_as_well() {
    let backend = numbered(Backend::modern(), 60_000).start().await;
    let served = caching(&backend).await;
    let session = served.session().await;
    session.call("resources/read", params()).await.result();
    assert_eq!(number(&served).await, 1);
    assert_eq!(session.call("resources/read", params()).await.result()["number"], 1);
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_switched_on() {
    let backend = numbered(Backend::modern(), 60_000).start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    assert_eq!((number(&served).await, number(&served).await), (1, 2));
}

#[tokio::test]
async fn when_its_time_is_over_it_is_read_again() {
    let backend = numbered(Backend::modern(), 3000).start().await;
    let served = caching(&backend).await;
    assert_eq!((number(&served).await, number(&served).await), (1, 1));
    tokio::time::sleep(Duration::from_millis(3010)).await;
    assert_eq!(number(&served).await, 2);
}

#[tokio::test]
async fn what_is_not_for_all_or_never_holds_is_not_kept() {
    for (ttl_ms, scope) in [
        (json!(60_000), json!("private")),
        (json!(0), json!("public")),
        (json!(60_000), json!(null)),
    ] {
        let result = json!({"resultType": "complete", "contents": [], "ttlMs": ttl_ms, "cacheScope": scope});
        let draft = Backend::modern().resources(&[URI]).result("resources/read", result);
        let backend = draft.start().await;
        let served = caching(&backend).await;
        for _ in 0..2 {
            read(&served).await;
        }
        assert_eq!(backend.seen("resources/read").len(), 2, "{ttl_ms} {scope}");
    }
}

#[tokio::test]
async fn a_legacy_backend_has_no_hints_to_keep_anything_for() {
    let backend = numbered(Backend::legacy(), 60_000).start().await;
    let served = caching(&backend).await;
    assert_eq!((number(&served).await, number(&served).await), (1, 2));
}

/// A backend of both eras may answer differently in each, and a session of its own may see something of its own.
#[tokio::test]
async fn a_legacy_client_of_a_backend_of_both_eras_is_answered_by_it() {
    let backend = numbered(Backend::both(), 60_000).start().await;
    let served = caching(&backend).await;
    assert_eq!((number(&served).await, number(&served).await), (1, 1));
    let session = served.session().await;
    assert_eq!(session.call("resources/read", params()).await.result()["number"], 2);
    assert_eq!(number(&served).await, 1);
}

#[tokio::test]
async fn errors_are_not_kept() {
    let backend = Backend::modern().resources(&[URI]).start().await;
    let served = caching(&backend).await;
    for _ in 0..2 {
        assert_eq!(served.modern("resources/read", params()).send().await.code(), -32601);
    }
    assert_eq!(backend.seen("resources/read").len(), 2);
}

/// What else than the URI a request says may have a part in its result.
#[tokio::test]
async fn requests_that_say_more_go_to_the_backend_and_leave_nothing() {
    for more in [json!({"range": 1}), json!({"_meta": {"com.example/tenant": "t"}})] {
        let backend = numbered(Backend::modern(), 60_000).start().await;
        let served = caching(&backend).await;
        let mut params = params();
        params
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        for expected in [1, 2] {
            let result = served.modern("resources/read", params.clone()).send().await.result();
            assert_eq!(result["number"], expected, "{more}");
        }
        assert_eq!((number(&served).await, number(&served).await), (3, 3));
        let result = served.modern("resources/read", params).send().await.result();
        assert_eq!(result["number"], 4, "{more}");
    }
}

/// A backend that asks whoever reads, and answers with what it got.
async fn asking() -> Backend {
    let draft = Backend::modern()
        .resources(&[URI])
        .on("resources/read", |call| async move {
            match call.params.get("inputResponses") {
                Some(got) => json!({
                    "resultType": "complete", "contents": [], "got": got, "ttlMs": 60_000, "cacheScope": "public",
                }),
                None => json!({
                    "resultType": "input_required", "requestState": "s", "ttlMs": 60_000, "cacheScope": "public",
                    "inputRequests": {"q": {"method": "sampling/createMessage", "params": {"messages": []}}},
                }),
            }
        });
    draft.start().await
}

#[tokio::test]
async fn what_a_modern_client_answered_is_for_nobody_else() {
    let backend = asking().await;
    let served = caching(&backend).await;
    for answer in ["one", "two"] {
        let asked = read(&served).await;
        assert_eq!(asked["resultType"], "input_required");
        let mut retry = params();
        retry["requestState"] = asked["requestState"].clone();
        retry["inputResponses"] = json!({"q": answer});
        let result = served.modern("resources/read", retry).send().await.result();
        assert_eq!(result["got"]["q"], answer);
    }
    assert_eq!(backend.seen("resources/read").len(), 4);
}

#[tokio::test]
async fn what_a_legacy_client_answered_is_for_nobody_else() {
    let backend = asking().await;
    let served = caching(&backend).await;
    let session = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    for answer in ["one", "two"] {
        let mut call = session.ask("resources/read", params()).open().await;
        let ask = call.message().await;
        session.answer(&ask["id"], json!({"to": answer})).await;
        assert_eq!(call.message().await["result"]["got"]["q"]["to"], answer);
    }
    assert_eq!(read(&served).await["resultType"], "input_required");
}

#[tokio::test]
async fn who_is_told_of_an_update_reads_anew() {
    let backend = numbered(Backend::modern(), 60_000).start().await;
    let served = caching(&backend).await;
    let mut stream = listen(&served, json!({"resourceSubscriptions": [URI]})).await;
    for expected in [1, 2, 3] {
        assert_eq!((number(&served).await, number(&served).await), (expected, expected));
        backend.tell("notifications/resources/updated", json!({ "uri": URI }));
        assert_eq!(stream.message().await["method"], "notifications/resources/updated");
    }
    assert_eq!(number(&served).await, 4);
    // Another resource is another matter.
    backend.tell("notifications/resources/updated", json!({"uri": "x://2"}));
    assert_eq!(number(&served).await, 4);
}

/// Between the first read and the beginning of the subscription the resource may have changed unheard.
#[tokio::test]
async fn who_listens_and_then_reads_misses_nothing() {
    let backend = numbered(Backend::modern(), 60_000).start().await;
    let served = caching(&backend).await;
    assert_eq!((number(&served).await, number(&served).await), (1, 1));
    let _first = listen(&served, json!({"resourceSubscriptions": [URI]})).await;
    assert_eq!((number(&served).await, number(&served).await), (2, 2));
    // It is listened to already.
    let _second = listen(&served, json!({"resourceSubscriptions": [URI]})).await;
    let _other = listen(&served, json!({"resourceSubscriptions": ["x://2"]})).await;
    assert_eq!(number(&served).await, 2);
    let session = served.session().await;
    session
        .call("resources/subscribe", json!({"uri": "x://3"}))
        .await
        .result();
    assert_eq!(number(&served).await, 2);
}

#[tokio::test]
async fn who_subscribes_and_then_reads_misses_nothing() {
    let backend = numbered(Backend::modern(), 60_000).start().await;
    let served = caching(&backend).await;
    assert_eq!((number(&served).await, number(&served).await), (1, 1));
    let session = served.session().await;
    session.call("resources/subscribe", params()).await.result();
    assert_eq!(session.call("resources/read", params()).await.result()["number"], 2);
    assert_eq!(number(&served).await, 2);
}

/// A resource that nobody lists is asked of one backend after the other.
#[tokio::test]
async fn what_one_of_several_backends_knows_is_kept_for_it() {
    let knowing = || numbered(Backend::modern(), 60_000).items("resources", vec![]);
    let ignorant = || Backend::modern().on("resources/read", |_| async { Answer::error(-32602, "unknown") });
    for knowing_first in [true, false] {
        let (one, two) = match knowing_first {
            true => (knowing().start().await, ignorant().start().await),
            false => (ignorant().start().await, knowing().start().await),
        };
        let yaml = [one.yaml("one", ""), two.yaml("two", "")].concat();
        let served = Served::with(&format!("cache: {{enabled: true}}\nbackends:\n{yaml}")).await;
        assert_eq!((number(&served).await, number(&served).await), (1, 1));
        let reads = [one, two].map(|backend| backend.seen("resources/read").len());
        assert_eq!(reads, if knowing_first { [1, 0] } else { [2, 1] });
    }
}

#[tokio::test]
async fn what_was_read_before_an_update_is_not_kept_after_it() {
    let gate = Arc::new(tokio::sync::Notify::new());
    let opened = Arc::clone(&gate);
    let draft = numbered(Backend::modern(), 60_000).on("resources/read", move |_| {
        let opened = Arc::clone(&opened);
        async move {
            opened.notified().await;
            json!({"resultType": "complete", "contents": [], "ttlMs": 60_000, "cacheScope": "public"})
        }
    });
    let backend = draft.start().await;
    let served = caching(&backend).await;
    let mut stream = listen(&served, json!({"resourceSubscriptions": [URI]})).await;
    let begun = served.modern("resources/read", params()).send();
    let meanwhile = async {
        backend.first("resources/read").await;
        backend.tell("notifications/resources/updated", json!({ "uri": URI }));
        stream.message().await;
        gate.notify_one();
    };
    tokio::join!(begun, meanwhile);
    gate.notify_one();
    read(&served).await;
    assert_eq!(backend.seen("resources/read").len(), 2);
}

#[tokio::test]
async fn who_is_told_that_the_resources_are_others_reads_anew() {
    let backend = numbered(Backend::modern(), 60_000).start().await;
    let served = caching(&backend).await;
    backend.streams(1).await;
    let mut stream = listen(&served, json!({"resourcesListChanged": true})).await;
    assert_eq!((number(&served).await, number(&served).await), (1, 1));
    backend.tell("notifications/resources/list_changed", json!({}));
    stream.message().await;
    assert_eq!((number(&served).await, number(&served).await), (2, 2));
    // Other lists have nothing to do with it.
    backend.tell("notifications/tools/list_changed", json!({}));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(number(&served).await, 2);
}

/// While nobody hears what the backend says, it may have said anything.
#[tokio::test]
async fn what_was_read_before_the_stream_broke_is_read_anew() {
    let backend = numbered(Backend::modern(), 60_000).start().await;
    let served = caching(&backend).await;
    backend.streams(1).await;
    assert_eq!((number(&served).await, number(&served).await), (1, 1));
    backend.set_dead(true);
    backend.streams_ended(1).await;
    backend.set_dead(false);
    backend.streams(2).await;
    assert_eq!(number(&served).await, 2);
}
