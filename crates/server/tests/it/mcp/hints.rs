//! `ttlMs` and `cacheScope` of what the gateway tells modern clients itself.

use serde_json::{Value, json};

use crate::support::{Backend, Draft, Served, names_in, until};

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

/// The hints of all lists and of `server/discover`, which must be the same.
async fn hint(served: &Served) -> (u64, String) {
    let mut hints = Vec::new();
    for method in LISTS.map(|(method, _)| method).into_iter().chain(["server/discover"]) {
        let result = served.modern(method, json!({})).send().await.result();
        let scope = result["cacheScope"].as_str().unwrap().to_owned();
        hints.push((result["ttlMs"].as_u64().unwrap(), scope));
    }
    hints.dedup();
    assert_eq!(hints.len(), 1, "{hints:?}");
    hints.remove(0)
}

async fn hint_of(drafts: Vec<Draft>) -> (u64, String) {
    let mut backends = Vec::new();
    for draft in drafts {
        backends.push(draft.start().await);
    }
    let lines: Vec<String> = backends
        .iter()
        .enumerate()
        .map(|(at, backend)| backend.yaml(&format!("b{at}"), ""))
        .collect();
    hint(&Served::backends(&lines).await).await
}

fn said(ttl_ms: u64, scope: &str) -> (u64, String) {
    (ttl_ms, scope.to_owned())
}

#[tokio::test]
async fn lists_hold_as_long_as_their_shortest_part_and_for_all_only_if_all_parts_do() {
    let long = || hinting("long", json!(60_000), "public");
    let short = |scope| hinting("short", json!(3000), scope);
    assert_eq!(hint_of(vec![long()]).await, said(60_000, "public"));
    assert_eq!(hint_of(vec![long(), short("public")]).await, said(3000, "public"));
    assert_eq!(hint_of(vec![long(), short("private")]).await, said(3000, "private"));
    let wrong = || hinting("wrong", json!(-5), "everybody");
    assert_eq!(hint_of(vec![long(), wrong()]).await, said(0, "private"));
    assert_eq!(hint_of(vec![long(), Backend::legacy()]).await, said(0, "private"));
}

#[tokio::test]
async fn who_does_not_have_a_list_has_no_part_in_it() {
    let tools_only = Backend::legacy().capabilities(json!({"tools": {}})).start().await;
    let all = hinting("all", json!(9000), "public").start().await;
    let served = Served::backends(&[tools_only.yaml("one", ""), all.yaml("two", "")]).await;
    for (method, expected) in [
        ("tools/list", 0),
        ("prompts/list", 9000),
        ("resources/templates/list", 9000),
    ] {
        let result = served.modern(method, json!({})).send().await.result();
        assert_eq!(result["ttlMs"], expected, "{method}");
    }
}

#[tokio::test]
async fn lists_grow_when_a_backend_comes_that_is_away() {
    let there = hinting("there", json!(60_000), "public").start().await;
    let away = "  away: {type: streamable-http, url: \"http://127.0.0.1:1/mcp\"}\n".to_owned();
    let served = Served::backends(&[there.yaml("there", ""), away]).await;
    assert_eq!(hint(&served).await, said(0, "private"));
}

/// Lists of older backends have no hints: how long they hold is up to the configuration, if changes are heard of.
#[tokio::test]
async fn list_ttl_is_for_older_backends_that_announce_changes() {
    for (announces, expected) in [(true, 2500), (false, 0)] {
        let older = Backend::legacy()
            .capabilities(json!({"tools": {"listChanged": announces}}))
            .tools(&["t"])
            .start()
            .await;
        let newer = hinting("n", json!(60_000), "public").start().await;
        let yaml = [older.yaml("one", ""), newer.yaml("two", "")].concat();
        let served = Served::with(&format!("catalogue: {{list_ttl: 2.5}}\nbackends:\n{yaml}")).await;
        let result = served.modern("tools/list", json!({})).send().await.result();
        assert_eq!(
            (&result["ttlMs"], &result["cacheScope"]),
            (&json!(expected), &json!("private"))
        );
    }
}

#[tokio::test]
async fn all_pages_of_all_sides_have_one_hint() {
    let backend = hinting("n", json!(60_000), "public")
        .on("tools/list", |call| async move {
            match call.params.get("cursor") {
                None => json!({
                    "resultType": "complete", "tools": [{"name": "a"}], "nextCursor": "2", "ttlMs": 9000,
                    "cacheScope": "private",
                }),
                Some(_) => json!({
                    "resultType": "complete", "tools": [{"name": "b"}], "ttlMs": 8000, "cacheScope": "public",
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
        assert_eq!(
            (&result["ttlMs"], &result["cacheScope"]),
            (&json!(8000), &json!("private"))
        );
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
async fn hints_outlive_the_gateway_with_the_lists() {
    let folder = tempfile::tempdir().unwrap();
    let backend = hinting("n", json!(7000), "public").start().await;
    let yaml = format!("backends:\n{}", backend.yaml("one", ""));
    let served = Served::kept_in(folder.path(), &yaml).await;
    assert_eq!(hint(&served).await, said(7000, "public"));
    served.stopped().await;
    backend.set_dead(true);
    let served = Served::kept_in(folder.path(), &yaml).await;
    assert_eq!(hint(&served).await, said(7000, "public"));
}
