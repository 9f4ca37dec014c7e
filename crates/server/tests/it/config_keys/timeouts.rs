//! `backends.*.timeouts`.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Answer, Backend, Call, Draft, Served, Session, soon};

/// Why the only backend failed, and after how long.
async fn failure(draft: Draft, timeouts: &str) -> (String, Duration) {
    let backend = draft.start().await;
    let began = Instant::now();
    let served = Served::backends(&[backend.yaml("one", &format!(", timeouts: {{{timeouts}}}"))]).await;
    let failing = async {
        loop {
            let state = served.gateway.inventory().iter().next().unwrap().state();
            match &state.error {
                Some(error) => return error.clone(),
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    (soon("a failure", failing).await, began.elapsed())
}

fn took(waited: Duration, least: u128) {
    assert!((least..least + 10_000).contains(&waited.as_millis()), "{waited:?}");
}

#[tokio::test]
async fn init_bounds_the_handshake() {
    let (why, waited) = failure(Backend::legacy().silent("initialize"), "init: 0.3").await;
    assert!(why.contains("`initialize` within 0.3 s"), "{why}");
    took(waited, 300);
}

#[tokio::test]
async fn init_bounds_the_probe() {
    let (why, waited) = failure(Backend::both().silent("server/discover"), "init: 0.3").await;
    assert!(why.contains("`server/discover` within 0.3 s"), "{why}");
    took(waited, 300);
}

#[tokio::test]
async fn cap_fetch_bounds_each_page() {
    let (why, waited) = failure(Backend::legacy().silent("resources/list"), "cap_fetch: 0.3").await;
    assert!(why.contains("0.3 s"), "{why}");
    took(waited, 300);
}

#[tokio::test]
async fn startup_bounds_all_of_it() {
    let pages = Backend::legacy().on("tools/list", |call| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let page = call.params["cursor"].as_str().unwrap_or_default().len();
        json!({"tools": [], "nextCursor": "x".repeat(page + 1)})
    });
    let (why, waited) = failure(pages, "startup: 0.5, cap_fetch: 5").await;
    assert!(why.contains("startup") && why.contains("0.5 s"), "{why}");
    took(waited, 500);
}

/// A session whose tool has so many seconds to answer.
async fn limited<F, T>(call: &str, handler: F) -> (Backend, Served, Session)
where
    F: Fn(Call) -> T + Send + Sync + 'static,
    T: Future<Output = Answer> + Send + 'static,
{
    let backend = Backend::legacy().tools(&["t"]).on("tools/call", handler).start().await;
    let served = Served::backends(&[backend.yaml("one", &format!(", timeouts: {{call: {call}}}"))]).await;
    let session = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    (backend, served, session)
}

#[tokio::test]
async fn call_bounds_silence() {
    let (backend, _served, session) = limited("0.5", |_| async { Answer::Silence }).await;
    let began = Instant::now();
    let answered = session.tool("t").await;
    took(began.elapsed(), 500);
    insta::assert_snapshot!(answered.shown());
    backend.first("notifications/cancelled").await;
}

#[tokio::test]
async fn progress_starts_the_time_of_a_call_anew() {
    let (_backend, _served, session) = limited("4", |call| async move {
        for step in 0..4 {
            tokio::time::sleep(Duration::from_millis(1200)).await;
            call.progress(step);
        }
        json!({"content": []}).into()
    })
    .await;
    let params = json!({"name": "t", "_meta": {"progressToken": 1}});
    assert_eq!(
        session.call("tools/call", params).await.result(),
        json!({"content": []})
    );
}

#[tokio::test]
async fn the_time_of_a_call_stands_while_a_question_is_with_the_client() {
    let (_backend, _served, session) = limited("4", |call| async move {
        call.ask("q", "sampling/createMessage", json!({})).await;
        json!({"content": []}).into()
    })
    .await;
    let mut open = session.ask("tools/call", json!({"name": "t"})).open().await;
    let ask = open.message().await;
    tokio::time::sleep(Duration::from_millis(4500)).await;
    session.answer(&ask["id"], json!({})).await;
    assert_eq!(open.message().await["result"], json!({"content": []}));
}

#[tokio::test]
async fn one_slow_backend_slows_no_other() {
    let slow = Backend::legacy().tools(&["slow"]).silent("tools/call").start().await;
    let quick = Backend::legacy()
        .tools(&["quick"])
        .result("tools/call", json!({"content": []}))
        .start()
        .await;
    let served = Served::backends(&[slow.yaml("slow", ""), quick.yaml("quick", "")]).await;
    let session = served.session().await;
    let waiting = (0..20).map(|id| {
        let request = session.ask_as(json!(format!("s{id}")), "tools/call", json!({"name": "slow"}));
        tokio::spawn(request.header("accept", "text/event-stream").open())
    });
    let waiting: Vec<_> = waiting.collect();
    slow.first("tools/call").await;
    let began = Instant::now();
    session.tool("quick").await.result();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    drop(waiting);
}
