//! `backends.*.health`: questions, and calls that are refused after failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Draft, Served, soon};

/// A backend that says nothing at all while the switch is on.
fn hanging(draft: Draft) -> (Draft, Arc<AtomicBool>) {
    let hangs = Arc::new(AtomicBool::new(false));
    let tools = json!({"tools": [{"name": "t", "inputSchema": {"type": "object"}}]});
    let answers = [
        ("ping", json!({})),
        ("tools/list", tools),
        ("tools/call", json!({"content": []})),
    ];
    let draft = answers.into_iter().fold(draft, |draft, (method, result)| {
        let hangs = Arc::clone(&hangs);
        draft.on(method, move |_| {
            let answer = match hangs.load(Ordering::SeqCst) {
                true => Answer::Silence,
                false => result.clone().into(),
            };
            async move { answer }
        })
    });
    (draft, hangs)
}

async fn served(backend: &Backend, health: &str) -> Served {
    served_within(backend, health, "call: 20, cap_fetch: 1").await
}

async fn served_within(backend: &Backend, health: &str, timeouts: &str) -> Served {
    let extra = format!(", health: {{{health}}}, timeouts: {{{timeouts}}}");
    let served = Served::backends(&[backend.yaml("one", &extra)]).await;
    becomes(&served, "Ready", |one| one["phase"] == "Ready").await;
    served
}

async fn one(served: &Served) -> Value {
    served.get("/manage/v1/backends").send().await.message()["backends"][0].clone()
}

async fn becomes(served: &Served, what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let waiting = async {
        loop {
            let one = one(served).await;
            if is(&one) {
                return one;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon(what, waiting).await
}

async fn totals(served: &Served) -> Value {
    served.get("/manage/v1/health").send().await.message()["backends"].clone()
}

#[tokio::test]
async fn a_silent_backend_is_degraded_then_unhealthy_and_comes_back() {
    let (draft, hangs) = hanging(Backend::legacy());
    let backend = draft.start().await;
    let served = served(&backend, "interval: 0.1, timeout: 1, failures: 5, cooldown: 60").await;
    let asked = becomes(&served, "asked", |one| one["health"]["latency_ms"].is_number()).await;
    assert!(asked["health"]["last_check"].is_string(), "{asked}");
    hangs.store(true, Ordering::SeqCst);
    let began = Instant::now();
    let degraded = becomes(&served, "degraded", |one| one["phase"] == "Degraded").await;
    assert_eq!(
        (&degraded["state"], &degraded["health"]["status"]),
        (&json!("connected"), &json!("degraded"))
    );
    assert_eq!(degraded["error"], "no answer to `ping` within 1 s");
    assert_eq!(totals(&served).await, json!({"total": 1, "connected": 1, "healthy": 0}));
    let unhealthy = becomes(&served, "unhealthy", |one| one["health"]["status"] == "unhealthy").await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(unhealthy["breaker"]["state"], "open");
    assert_eq!(unhealthy["conditions"][1]["type"], "NotCalled");
    assert_eq!(totals(&served).await, json!({"total": 1, "connected": 0, "healthy": 0}));
    let session = served.session().await;
    let began = Instant::now();
    assert_eq!(session.tool("t").await.code(), -32012);
    let modern = served.modern("tools/call", json!({"name": "t"})).send().await;
    assert_eq!(modern.code(), -32012);
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "at once: {:?}",
        began.elapsed()
    );
    hangs.store(false, Ordering::SeqCst);
    let well = becomes(&served, "well", |one| one["phase"] == "Ready").await;
    assert_eq!(
        (&well["breaker"]["state"], &well["health"]["consecutive_failures"]),
        (&json!("closed"), &json!(0))
    );
    session.tool("t").await.result();
}

#[tokio::test]
async fn without_questions_calls_that_fail_are_enough_and_one_that_is_tried_closes_it() {
    let (draft, hangs) = hanging(Backend::legacy());
    let backend = draft.start().await;
    // Attempts to connect fail, too, and each puts off the next call: the first of them takes longer than the rest here.
    let served = served_within(
        &backend,
        "enabled: false, failures: 2, cooldown: 3",
        "call: 0.3, cap_fetch: 7",
    )
    .await;
    let session = served.session().await;
    hangs.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        assert_eq!(session.tool("t").await.code(), -32011);
    }
    let refused = session.tool("t").await;
    let message = refused.message()["error"]["message"].to_string();
    let tried_in = |seconds| message.contains(&format!("it is tried again in {seconds} s"));
    assert!(
        message.contains("`one`: not called after 2 failures in a row (the last: no answer within 0.3 s")
            && (1..=3).any(tried_in),
        "{message}"
    );
    assert_ne!(one(&served).await["phase"], "Ready");
    becomes(&served, "half open", |one| one["breaker"]["state"] == "half_open").await;
    assert_eq!(session.tool("t").await.code(), -32011, "it is tried");
    assert_eq!(session.tool("t").await.code(), -32012, "and refused again");
    assert_eq!(backend.seen("tools/call").len(), 3);
    hangs.store(false, Ordering::SeqCst);
    // A new connection may come before the next call.
    becomes(&served, "called", |one| one["breaker"]["state"] != "open").await;
    // Where this test is held up, one may come too late, and be followed by those that are refused.
    let called = async {
        while session.tool("t").await.message().get("result").is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("a call that succeeds", called).await;
    becomes(&served, "well", |one| {
        one["phase"] == "Ready" && one["breaker"]["state"] == "closed"
    })
    .await;
}

#[tokio::test]
async fn errors_that_the_backend_answers_are_no_failures() {
    let draft = Backend::legacy().tools(&["t"]);
    let backend = draft
        .on("tools/call", |_| async { Answer::error(-32603, "no") })
        .on("ping", |_| async { Answer::error(-32601, "what?") })
        .start()
        .await;
    let served = served(&backend, "interval: 0.1, failures: 1, cooldown: 60").await;
    let session = served.session().await;
    for _ in 0..5 {
        assert_eq!(session.tool("t").await.code(), -32603);
    }
    backend.first("ping").await;
    let now = one(&served).await;
    assert_eq!(
        (&now["phase"], &now["breaker"]["state"]),
        (&json!("Ready"), &json!("closed"))
    );
}

#[tokio::test]
async fn a_slow_backend_is_degraded_and_called_all_the_same() {
    let slow = Arc::new(AtomicUsize::new(0));
    let millis = Arc::clone(&slow);
    let draft = Backend::legacy()
        .tools(&["t"])
        .result("tools/call", json!({"content": []}));
    let backend = draft
        .on("ping", move |_| {
            let pause = Duration::from_millis(millis.load(Ordering::SeqCst) as u64);
            async move {
                tokio::time::sleep(pause).await;
                json!({})
            }
        })
        .start()
        .await;
    let served = served(&backend, "interval: 0.1, timeout: 5, slow: 0.5").await;
    slow.store(1000, Ordering::SeqCst);
    let degraded = becomes(&served, "degraded", |one| {
        one["phase"] == "Degraded" && one["health"]["latency_ms"].as_f64() >= Some(1000.0)
    })
    .await;
    let error = degraded["error"].as_str().unwrap();
    assert!(error.starts_with("it answers slowly"), "{error}");
    served.session().await.tool("t").await.result();
    slow.store(0, Ordering::SeqCst);
    becomes(&served, "well", |one| one["phase"] == "Ready").await;
}

#[tokio::test]
async fn a_backend_that_knows_no_ping_is_asked_for_its_lists() {
    let backend = Backend::legacy().tools(&["t"]).silent("ping").start().await;
    let served = served(&backend, "interval: 0.1, timeout: 5, failures: 1").await;
    let listed = backend.seen("tools/list").len();
    let asked = async {
        while backend.seen("tools/list").len() < listed + 3 {
            assert_eq!(one(&served).await["phase"], "Ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("three questions", asked).await;
}

#[tokio::test]
async fn a_modern_backend_is_asked_to_introduce_itself() {
    let backend = Backend::modern().start().await;
    let served = served(&backend, "interval: 0.1").await;
    let before = backend.seen("server/discover").len();
    becomes(&served, "asked", |one| one["health"]["latency_ms"].is_number()).await;
    assert!(backend.seen("server/discover").len() > before);
    assert!(backend.seen("ping").is_empty());
}
