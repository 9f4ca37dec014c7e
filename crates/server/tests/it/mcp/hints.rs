//! `ttlMs` and `cacheScope` of what the gateway tells modern clients itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{Answer, Backend, Draft, Served, names_in, soon, until};

const LISTS: [(&str, &str); 4] = [
    ("tools/list", "tools"),
    ("prompts/list", "prompts"),
    ("resources/list", "resources"),
    ("resources/templates/list", "resourceTemplates"),
];

/// A modern backend that gives this hint with everything that it lists and says of itself.
fn hinting(name: &str, ttl_ms: Value, scope: &str) -> Draft {
    let hint = |mut result: Value| {
        result["resultType"] = "complete".into();
        result["ttlMs"] = ttl_ms.clone();
        result["cacheScope"] = scope.into();
        result
    };
    let hello = json!({
        "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}, "resources": {}, "prompts": {}},
    });
    let mut draft = Backend::modern().result("server/discover", hint(hello));
    for (method, member) in LISTS {
        let item = json!({"name": name, "uri": format!("x://{name}"), "uriTemplate": format!("x://{name}/{{a}}")});
        draft = draft.result(method, hint(json!({ member: [item] })));
    }
    draft
}

/// The hint of a list, or of `server/discover`.
async fn told(served: &Served, method: &str) -> (u64, String) {
    let result = served.modern(method, json!({})).send().await.result();
    let scope = result["cacheScope"].as_str().unwrap().to_owned();
    (result["ttlMs"].as_u64().unwrap(), scope)
}

/// Checks the hints of all lists and of `server/discover`: what was said, less the time that went by, which is short.
async fn is(served: &Served, (ttl_ms, scope): (u64, String)) {
    for method in LISTS.map(|(method, _)| method).into_iter().chain(["server/discover"]) {
        let (left, for_whom) = told(served, method).await;
        assert!((ttl_ms / 2..=ttl_ms).contains(&left), "{method}: {left} of {ttl_ms}");
        assert_eq!(for_whom, scope, "{method}");
    }
}

async fn hint_is(drafts: Vec<Draft>, expected: (u64, String)) {
    let mut backends = Vec::new();
    for draft in drafts {
        backends.push(draft.start().await);
    }
    let lines: Vec<String> = backends
        .iter()
        .enumerate()
        .map(|(at, backend)| backend.yaml(&format!("b{at}"), ""))
        .collect();
    is(&Served::backends(&lines).await, expected).await;
}

fn said(ttl_ms: u64, scope: &str) -> (u64, String) {
    (ttl_ms, scope.to_owned())
}

#[tokio::test]
async fn lists_hold_as_long_as_their_shortest_part_and_for_all_only_if_all_parts_do() {
    let long = || hinting("long", json!(60_000), "public");
    let short = |scope| hinting("short", json!(30_000), scope);
    hint_is(vec![long()], said(60_000, "public")).await;
    hint_is(vec![long(), short("public")], said(30_000, "public")).await;
    hint_is(vec![long(), short("private")], said(30_000, "private")).await;
    let wrong = || hinting("wrong", json!(-5), "everybody");
    hint_is(vec![long(), wrong()], said(0, "private")).await;
    hint_is(vec![long(), Backend::legacy()], said(0, "private")).await;
    let day = 24 * 60 * 60 * 1000;
    let ever = || hinting("ever", json!(1e15), "public");
    hint_is(vec![ever()], said(day, "public")).await;
}

#[tokio::test]
async fn who_does_not_have_a_list_has_no_part_in_it() {
    let tools_only = Backend::legacy().capabilities(json!({"tools": {}})).start().await;
    let all = hinting("all", json!(90_000), "public").start().await;
    let served = Served::backends(&[tools_only.yaml("one", ""), all.yaml("two", "")]).await;
    for (method, expected) in [
        ("tools/list", 0),
        ("prompts/list", 90_000),
        ("resources/templates/list", 90_000),
    ] {
        let (left, _) = told(&served, method).await;
        assert!((expected / 2..=expected).contains(&left), "{method}: {left}");
    }
}

#[tokio::test]
async fn lists_grow_when_a_backend_comes_that_is_away() {
    let there = hinting("there", json!(60_000), "public").start().await;
    let away = "  away: {type: streamable-http, url: \"http://127.0.0.1:1/mcp\"}\n".to_owned();
    let served = Served::backends(&[there.yaml("there", ""), away]).await;
    is(&served, said(0, "private")).await;
}

/// Lists of older backends have no hints: how long they hold is up to the configuration, if changes are heard of.
#[tokio::test]
async fn list_ttl_is_for_older_backends_that_announce_changes() {
    for (announces, streams, expected) in [(true, true, 2500), (false, true, 0), (true, false, 0)] {
        let older = Backend::legacy()
            .capabilities(json!({"tools": {"listChanged": announces}}))
            .tools(&["t"]);
        let older = if streams { older } else { older.no_stream() };
        let older = older.start().await;
        let newer = hinting("n", json!(60_000), "public").start().await;
        let yaml = [older.yaml("one", ""), newer.yaml("two", "")].concat();
        let served = Served::with(&format!("catalogue: {{list_ttl: 2.5}}\nbackends:\n{yaml}")).await;
        older.first("GET").await;
        tells(&served, "tools/list", said(expected, "private")).await;
    }
}

/// Waits until the hint is this one, and sees that it stays.
async fn tells(served: &Served, method: &str, expected: (u64, String)) {
    let telling = async { while told(served, method).await != expected {} };
    soon("the hint", telling).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(told(served, method).await, expected);
}

/// Those whose changes are heard of are always right; those that would be announced, if only somebody could listen, get
/// older.
#[tokio::test]
async fn a_list_that_nobody_hears_of_gets_older() {
    let draft = || {
        hinting("n", json!(60_000), "public").result(
            "server/discover",
            json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {"listChanged": true}, "prompts": {"listChanged": true}},
            }),
        )
    };
    let heard = draft().start().await;
    let served = Served::backends(&[heard.yaml("one", "")]).await;
    tells(&served, "tools/list", said(60_000, "public")).await;
    let deaf = draft().on("subscriptions/listen", |_| async { Answer::error(-32601, "no") });
    let deaf = deaf.start().await;
    // It takes tools only.
    let partly = draft().on("subscriptions/listen", |call| async move {
        let granted = json!({"notifications": {"toolsListChanged": true}});
        call.notify("notifications/subscriptions/acknowledged", granted);
        Answer::Silence
    });
    let partly = partly.start().await;
    for (backend, method) in [(deaf, "tools/list"), (partly, "prompts/list")] {
        let served = Served::backends(&[backend.yaml("one", "")]).await;
        backend.first("subscriptions/listen").await;
        let (before, _) = told(&served, method).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (after, scope) = told(&served, method).await;
        assert!(after <= before - 100 && after > 30_000, "{method}: {before}, {after}");
        assert_eq!(scope, "public");
    }
}

/// The stream stands late: what was announced until then went unheard, so the list is read again.
#[tokio::test]
async fn what_changed_before_the_first_stream_stands_is_not_missed() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let capabilities = json!({"tools": {"listChanged": true}});
    let modern = Backend::modern().capabilities(capabilities).tools(&["old"]);
    let late = modern.on("subscriptions/listen", move |call| {
        let opened = Arc::clone(&opened);
        async move {
            opened.notified().await;
            let granted = json!({"notifications": {"toolsListChanged": true}});
            call.notify("notifications/subscriptions/acknowledged", granted);
            Answer::Silence
        }
    });
    let backend = late.start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let tools = async || {
        let listed = served.modern("tools/list", json!({})).send().await.result();
        names_in(&listed)
    };
    assert_eq!(tools().await, ["old"]);
    backend.set_tools(&["new"]);
    gate.notify_one();
    soon("the new list", async { while tools().await != ["new"] {} }).await;
    assert_eq!(backend.seen("tools/list").len(), 2);
}

#[tokio::test]
async fn a_first_stream_that_stands_in_time_costs_no_second_look() {
    let mut lists = 0;
    // Where this test is held up, it does not stand in time.
    for _ in 0..5 {
        let capabilities = json!({"tools": {"listChanged": true}});
        let backend = Backend::modern().capabilities(capabilities).tools(&["t"]).start().await;
        let served = Served::backends(&[backend.yaml("one", "")]).await;
        told(&served, "tools/list").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        lists = backend.seen("tools/list").len();
        if lists == 1 {
            break;
        }
    }
    assert_eq!(lists, 1);
}

/// It says that its list changed, and then gives what is no list.
#[tokio::test]
async fn a_list_that_cannot_be_read_again_does_not_hold() {
    let reads = Arc::new(AtomicUsize::new(0));
    let backend = hinting("n", json!(60_000), "public")
        .on("tools/list", move |_| {
            let tools = match reads.fetch_add(1, Ordering::SeqCst) {
                0 => json!([{"name": "a"}]),
                _ => json!(5),
            };
            async move { json!({"resultType": "complete", "tools": tools, "ttlMs": 60_000, "cacheScope": "public"}) }
        })
        .result(
            "server/discover",
            json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {"listChanged": true}},
            }),
        )
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    tells(&served, "tools/list", said(60_000, "public")).await;
    backend.tell("notifications/tools/list_changed", json!({}));
    tells(&served, "tools/list", said(0, "private")).await;
}

#[tokio::test]
async fn all_pages_of_all_sides_have_one_hint() {
    let backend = hinting("n", json!(60_000), "public")
        .on("tools/list", |call| async move {
            match call.params.get("cursor") {
                None => json!({
                    "resultType": "complete", "tools": [{"name": "a"}], "nextCursor": "2", "ttlMs": 90_000,
                    "cacheScope": "private",
                }),
                Some(_) => json!({
                    "resultType": "complete", "tools": [{"name": "b"}], "ttlMs": 80_000, "cacheScope": "public",
                }),
            }
        })
        .start()
        .await;
    let yaml = backend.yaml("one", "");
    let served = Served::with(&format!("server: {{page_size: 1}}\nbackends:\n{yaml}")).await;
    let mut params = json!({});
    for expected in ["a", "b"] {
        let result = served.modern("tools/list", params).send().await.result();
        assert_eq!(names_in(&result), [expected]);
        let left = result["ttlMs"].as_u64().unwrap();
        assert!((40_000..=80_000).contains(&left), "{left}");
        assert_eq!(result["cacheScope"], "private");
        params = json!({"cursor": result["nextCursor"]});
    }
}

/// However often clients list, and whatever they were told: backends are asked once.
#[tokio::test]
async fn backends_are_not_asked_for_what_stands() {
    let backend = hinting("n", json!(1), "public").start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let session = served.session().await;
    for _ in 0..5 {
        served.modern("tools/list", json!({})).send().await.result();
        session.call("tools/list", json!({})).await.result();
    }
    until("the list", || !backend.seen("tools/list").is_empty()).await;
    assert_eq!(backend.seen("tools/list").len(), 1);
}

#[tokio::test]
async fn lists_of_an_earlier_run_are_shown_and_do_not_hold() {
    let folder = tempfile::tempdir().unwrap();
    let backend = hinting("n", json!(70_000), "public").start().await;
    let yaml = format!("backends:\n{}", backend.yaml("one", ""));
    let served = Served::kept_in(folder.path(), &yaml).await;
    is(&served, said(70_000, "public")).await;
    served.stopped().await;
    backend.set_dead(true);
    let served = Served::kept_in(folder.path(), &yaml).await;
    let listed = served.modern("tools/list", json!({})).send().await.result();
    assert_eq!(listed["tools"][0]["name"], "n");
    is(&served, said(0, "private")).await;
}
