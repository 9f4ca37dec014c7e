//! `Mcp-Param-*`: arguments that tools want mirrored in headers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argus_gateway::ConditionKind;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Answer, Backend, Draft, Request, Served, names_in, soon, until};

/// Mirrors a string, a number and a truth value.
fn marking(name: &str) -> Value {
    json!({"name": name, "inputSchema": {"type": "object", "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "n": {"type": "integer", "x-mcp-header": "N"},
        "in": {"type": "object", "properties": {"b": {"type": "boolean", "x-mcp-header": "In-B"}}},
        "note": {"type": "string"},
    }}})
}

fn arguments() -> Value {
    json!({"region": "eu ä", "n": 3, "in": {"b": true}, "note": "x"})
}

const GOOD: [(&str, &str); 3] = [
    ("Mcp-Param-Region", "=?base64?ZXUgw6Q=?="),
    ("mcp-param-n", "3"),
    ("MCP-PARAM-IN-B", "true"),
];

fn serving(draft: Draft) -> Draft {
    let result = json!({"resultType": "complete", "content": []});
    let draft = draft.capabilities(json!({"tools": {"listChanged": true}}));
    draft.items("tools", vec![marking("t")]).result("tools/call", result)
}

async fn before(backend: &Backend) -> Served {
    Served::backends(&[backend.yaml("one", "")]).await
}

/// A call of a tool with headers.
fn call(served: &Served, name: &str, arguments: &Value, headers: &[(&str, &str)]) -> Request {
    let request = served.modern("tools/call", json!({"name": name, "arguments": arguments}));
    let with = |request: Request, (name, value): &(&str, &str)| request.and_header(name, value);
    headers.iter().fold(request, with)
}

/// What of the arguments is in headers, and the name.
fn mirrored(headers: &HeaderMap) -> Value {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
    json!([
        text("mcp-name"),
        text("mcp-param-region"),
        text("mcp-param-n"),
        text("mcp-param-in-b")
    ])
}

fn all(name: &str) -> Value {
    json!([name, "=?base64?ZXUgw6Q=?=", "3", "true"])
}

#[tokio::test]
async fn headers_are_compared_with_the_arguments_whatever_the_backend() {
    for draft in [Backend::modern(), Backend::legacy(), Backend::both()] {
        let backend = serving(draft).start().await;
        let served = before(&backend).await;
        let good = call(&served, "t", &arguments(), &GOOD).send().await;
        assert_eq!(good.status, 200, "{}", good.body);
        for (at, wrong) in [
            (0, "eu"),
            (0, "=?base64?!?="),
            (0, ""),
            (1, "4"),
            (1, "three"),
            (2, "True"),
        ] {
            let mut headers = GOOD;
            headers[at].1 = wrong;
            let refused = call(&served, "t", &arguments(), &headers).send().await;
            assert_eq!((refused.status.as_u16(), refused.code()), (400, -32020), "{wrong}");
            let message = refused.message()["error"]["message"].as_str().unwrap().to_owned();
            assert!(message.contains("mcp-param-") && !message.contains("eu"), "{message}");
        }
        for missing in 0..GOOD.len() {
            let mut headers = GOOD.to_vec();
            headers.remove(missing);
            let refused = call(&served, "t", &arguments(), &headers).send().await;
            assert_eq!((refused.status.as_u16(), refused.code()), (400, -32020), "{missing}");
        }
        assert_eq!(backend.seen("tools/call").len(), 1);
    }
}

#[tokio::test]
async fn a_missing_param_header() {
    let backend = serving(Backend::legacy()).start().await;
    let served = before(&backend).await;
    insta::assert_snapshot!(call(&served, "t", &json!({"region": "eu"}), &[]).send().await.shown());
}

#[tokio::test]
async fn numbers_are_compared_as_numbers() {
    let backend = serving(Backend::legacy()).start().await;
    let served = before(&backend).await;
    for (number, header, status) in [
        ("42", "42.0", 200),
        ("42.0", "42", 200),
        ("-0", "0", 200),
        ("42", "24", 400),
    ] {
        let request = call(&served, "t", &json!({"n": 7777}), &[("mcp-param-n", header)]).replace("7777", number);
        assert_eq!(request.send().await.status, status, "{number} {header}");
    }
}

#[tokio::test]
async fn what_the_body_does_not_say_has_no_header() {
    let backend = serving(Backend::modern()).start().await;
    let served = before(&backend).await;
    for nothing in [json!({}), json!({"region": null}), json!({"in": {}}), json!("x")] {
        assert_eq!(call(&served, "t", &nothing, &[]).send().await.status, 200, "{nothing}");
        let refused = call(&served, "t", &nothing, &[("mcp-param-region", "eu")]).send().await;
        assert_eq!((refused.status.as_u16(), refused.code()), (400, -32020), "{nothing}");
    }
    let bare = served.modern("tools/call", json!({"name": "t"}));
    assert_eq!(bare.send().await.status, 200);
}

#[tokio::test]
async fn a_header_that_counts_is_there_once_and_others_pass() {
    let backend = serving(Backend::modern()).start().await;
    let served = before(&backend).await;
    let region = json!({"region": "eu"});
    let one = ("mcp-param-region", "eu");
    let twice = call(&served, "t", &region, &[one, one]).send().await;
    assert_eq!((twice.status.as_u16(), twice.code()), (400, -32020));
    let unknown = [one, ("mcp-param-unknown", "=?base64?!?="), ("mcp-param-unknown", "2")];
    assert_eq!(call(&served, "t", &region, &unknown).send().await.status, 200);
    let headers = backend.first("tools/call").await.headers;
    let passed: Vec<_> = headers.get_all("mcp-param-unknown").iter().collect();
    assert_eq!(passed, ["=?base64?!?=", "2"]);
    assert_eq!(headers["mcp-param-region"], "eu");
}

#[tokio::test]
async fn arguments_that_say_two_things_are_refused() {
    let backend = serving(Backend::legacy()).start().await;
    let served = before(&backend).await;
    let request = call(&served, "t", &json!({"region": "eu"}), &[("mcp-param-region", "eu")]);
    let twice = request
        .replace(r#""region":"eu""#, r#""region":"eu","region":"us""#)
        .send()
        .await;
    assert_eq!(twice.code(), -32602);
    assert!(backend.seen("tools/call").is_empty());
}

#[tokio::test]
async fn tools_that_the_gateway_renamed() {
    let one = serving(Backend::modern()).start().await;
    let two = serving(Backend::legacy()).start().await;
    let three = serving(Backend::modern()).start().await;
    let lines = [
        one.yaml("one", ""),
        two.yaml("two", ""),
        three.yaml("three", ", tool_overrides: {t: {name: other}}"),
    ];
    let served = Served::with(&format!(
        "conflict_resolution: {{strategy: prefix}}\nbackends:\n{}",
        lines.concat()
    ))
    .await;
    let session = served.session().await;
    assert_eq!(session.names("tools/list").await.len(), 3);
    let coded = "=?base64?dGhyZWVfb3RoZXI=?=";
    for (name, header, backend) in [
        ("one_t", "one_t", &one),
        ("two_t", "two_t", &two),
        ("three_other", coded, &three),
    ] {
        let lists = served.modern("tools/list", json!({})).send().await.result();
        assert!(names_in(&lists).iter().any(|listed| listed == name), "{name} {lists}");
        let calling = || call(&served, name, &arguments(), &GOOD).header("mcp-name", header);
        let called = calling().send().await;
        assert_eq!(called.status, 200, "{name} {}", called.body);
        assert_eq!(
            calling().header("mcp-param-n", "4").send().await.code(),
            -32020,
            "{name}"
        );
        // The original name is the backend's own business.
        assert_eq!(calling().header("mcp-name", "t").send().await.code(), -32020, "{name}");
        assert_eq!(backend.seen("tools/call").len(), 1);
    }
    for backend in [&one, &three] {
        assert_eq!(mirrored(&backend.first("tools/call").await.headers), all("t"));
    }
    let called = session.call("tools/call", json!({"name": "three_other", "arguments": arguments()}));
    assert_eq!(called.await.status, 200);
    assert_eq!(mirrored(&three.seen("tools/call")[1].headers), all("t"));
}

#[tokio::test]
async fn the_gateway_makes_the_headers_of_clients_without() {
    let backend = serving(Backend::modern()).start().await;
    let served = before(&backend).await;
    let params = json!({"name": "t", "arguments": arguments()});
    // A session declares something, so that a backend that could ask would get a connection of its own.
    let asked = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    for session in [
        served.session().await,
        asked,
        served.session_of("2025-03-26", json!({})).await,
    ] {
        // What a legacy client says in headers was compared with nothing.
        let lying = session
            .ask("tools/call", params.clone())
            .header("mcp-param-region", "us");
        assert_eq!(
            lying.header("mcp-param-unknown", "x").send().await.result()["content"],
            json!([])
        );
    }
    let mut sse = served.sse_of("2025-06-18", json!({})).await;
    assert_eq!(
        sse.call("tools/call", params.clone()).await["result"]["content"],
        json!([])
    );
    let mut modern = served.sse().await;
    modern.ask_modern(json!(1), "tools/call", params).await;
    assert_eq!(modern.response().await["result"]["content"], json!([]));
    let seen = backend.seen("tools/call");
    assert_eq!(seen.len(), 5);
    for one in seen {
        assert_eq!(mirrored(&one.headers), all("t"));
        assert!(!one.headers.contains_key("mcp-param-unknown"));
        assert_eq!(one.headers.get_all("mcp-param-region").iter().count(), 1);
        assert_eq!(one.message["params"]["arguments"], arguments());
    }
}

#[tokio::test]
async fn a_call_that_is_made_again_has_its_headers() {
    let backend = serving(Backend::modern())
        .on("tools/call", |call| async move {
            match call.params.get("requestState") {
                None => json!({"resultType": "input_required", "requestState": "s"}),
                Some(_) => json!({"resultType": "complete", "content": []}),
            }
        })
        .start()
        .await;
    let served = before(&backend).await;
    let params = json!({"name": "t", "arguments": arguments()});
    let session = served.session().await;
    assert_eq!(session.call("tools/call", params).await.result()["content"], json!([]));
    let seen = backend.seen("tools/call");
    assert_eq!(seen.len(), 2);
    assert_eq!(mirrored(&seen[1].headers), all("t"));
}

#[tokio::test]
async fn other_tools_have_no_such_headers() {
    let tools = vec![
        marking("t"),
        json!({"name": "plain", "inputSchema": {"type": "object"}}),
    ];
    let backend = serving(Backend::modern()).items("tools", tools).start().await;
    let served = before(&backend).await;
    let session = served.session().await;
    session
        .call("tools/call", json!({"name": "plain", "arguments": arguments()}))
        .await;
    assert_eq!(
        mirrored(&backend.first("tools/call").await.headers),
        json!(["plain", null, null, null])
    );
}

#[tokio::test]
async fn a_tool_that_is_marked_wrongly_is_listed_and_told_of() {
    let wrong = json!({"name": "w", "inputSchema": {"type": "object", "properties": {
        "x": {"type": "number", "x-mcp-header": "X"},
    }}});
    let tools = vec![wrong.clone(), marking("t")];
    let backend = serving(Backend::modern()).items("tools", tools).start().await;
    let served = before(&backend).await;
    let listed = served.modern("tools/list", json!({})).send().await.result();
    assert_eq!(listed["tools"], json!([wrong, marking("t")]));
    let entry = || served.gateway.inventory().iter().next().unwrap().conditions();
    let conditions = entry();
    assert_eq!(conditions.len(), 1);
    assert_eq!(conditions[0].condition.kind, ConditionKind::BadHeaderMarks);
    insta::assert_snapshot!(conditions[0].condition.message, @"tools that clients of 2026-07-28 leave out over Streamable HTTP, until the backend marks their arguments as it must: `w` (`x`: x-mcp-header is only allowed on the types string, integer and boolean)");
    // Nobody can say what its headers would be.
    let session = served.session().await;
    session
        .call("tools/call", json!({"name": "w", "arguments": {"x": 1}}))
        .await;
    let called = call(&served, "w", &json!({"x": 1}), &[("mcp-param-x", "2")])
        .send()
        .await;
    assert_eq!(called.status, 200);
    let seen = backend.seen("tools/call");
    assert!(!seen[0].headers.contains_key("mcp-param-x"));
    assert_eq!(seen[1].headers["mcp-param-x"], "2");
    backend.streams(1).await;
    backend.set_tools(&["t"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    until("the condition is over", || entry().is_empty()).await;
}

#[tokio::test]
async fn what_a_tool_marks_may_change() {
    let backend = serving(Backend::modern()).start().await;
    let served = before(&backend).await;
    let session = served.session().await;
    session.names("tools/list").await;
    backend.streams(1).await;
    backend.set_tools(&["t", "u"]);
    backend.tell("notifications/tools/list_changed", json!({}));
    let changed = async { while session.names("tools/list").await.len() < 2 {} };
    soon("the new list", changed).await;
    let called = call(&served, "t", &arguments(), &[("mcp-param-region", "us")])
        .send()
        .await;
    assert_eq!(called.status, 200);
}

/// A tool that marks other arguments as soon as it was called once, without a word; a call with other headers is refused.
async fn turncoat() -> Backend {
    let now = json!({"name": "t", "inputSchema": {"type": "object", "properties": {
        "note": {"type": "string", "x-mcp-header": "Note"},
    }}});
    let called = Arc::new(AtomicUsize::new(0));
    let lists = Arc::clone(&called);
    Backend::modern()
        .on("tools/list", move |_| {
            let tool = match lists.load(Ordering::SeqCst) {
                0 => marking("t"),
                _ => now.clone(),
            };
            async move { json!({"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": [tool]}) }
        })
        .on("tools/call", move |call| {
            called.fetch_add(1, Ordering::SeqCst);
            let good = call.headers.get("mcp-param-note").is_some_and(|note| note == "x");
            async move {
                match good {
                    true => json!({"resultType": "complete", "content": []}).into(),
                    false => Answer::error(-32020, "mcp-param-note is wrong"),
                }
            }
        })
        .start()
        .await
}

#[tokio::test]
async fn a_call_is_made_again_with_the_headers_that_are_wanted_now() {
    let backend = turncoat().await;
    let served = before(&backend).await;
    let session = served.session().await;
    let params = json!({"name": "t", "arguments": {"region": "eu", "note": "x"}});
    assert_eq!(
        session.call("tools/call", params.clone()).await.result()["content"],
        json!([])
    );
    let seen = backend.seen("tools/call");
    assert_eq!(seen.len(), 2);
    assert_eq!(mirrored(&seen[0].headers), json!(["t", "eu", null, null]));
    assert_eq!(mirrored(&seen[1].headers), json!(["t", null, null, null]));
    // The catalogue follows, so that the next call is right at once.
    let old = async || {
        let listed = session.call("tools/list", json!({})).await.result();
        !listed["tools"][0]["inputSchema"]["properties"]["region"].is_null()
    };
    soon("the new list", async { while old().await {} }).await;
    session.call("tools/call", params).await.result();
    assert_eq!(backend.seen("tools/call").len(), 3);
}

#[tokio::test]
async fn a_client_with_headers_of_its_own_finds_the_new_list() {
    let backend = turncoat().await;
    let served = before(&backend).await;
    let old = call(&served, "t", &arguments(), &GOOD).send().await;
    assert_eq!((old.status.as_u16(), old.code()), (400, -32020));
    assert_eq!(backend.seen("tools/call").len(), 1);
    let refused = async || {
        let now = call(&served, "t", &arguments(), &[("mcp-param-note", "x")])
            .send()
            .await;
        now.status == 400
    };
    soon("the new list counts", async { while refused().await {} }).await;
    assert_eq!(backend.seen("tools/call").len(), 2);
}

#[tokio::test]
async fn a_call_that_was_corrected_stays_so_when_the_backend_asks() {
    let now = json!({"name": "t", "inputSchema": {"type": "object", "properties": {
        "note": {"type": "string", "x-mcp-header": "Note"},
    }}});
    let called = Arc::new(AtomicUsize::new(0));
    let lists = Arc::clone(&called);
    let backend = Backend::modern()
        .on("tools/list", move |_| {
            let tool = match lists.load(Ordering::SeqCst) {
                0 => marking("t"),
                _ => now.clone(),
            };
            async move { json!({"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": [tool]}) }
        })
        .on("tools/call", move |call| {
            called.fetch_add(1, Ordering::SeqCst);
            let good = call.headers.get("mcp-param-note").is_some_and(|note| note == "x");
            let asked = call.params.get("inputResponses").is_some();
            async move {
                match (good, asked) {
                    (false, _) => Answer::error(-32020, "mcp-param-note is wrong"),
                    (true, false) => json!({
                        "resultType": "input_required",
                        "inputRequests": {"q": {"method": "sampling/createMessage", "params": {}}},
                    })
                    .into(),
                    (true, true) => json!({"resultType": "complete", "content": []}).into(),
                }
            }
        })
        .start()
        .await;
    let served = before(&backend).await;
    let session = served.session_of("2025-11-25", json!({"sampling": {}})).await;
    let params = json!({"name": "t", "arguments": {"region": "eu", "note": "x"}});
    let mut open = session.ask("tools/call", params).open().await;
    let ask = open.message().await;
    assert_eq!(ask["method"], "sampling/createMessage", "{ask}");
    session.answer(&ask["id"], json!({})).await;
    let answer = open.message().await;
    assert_eq!(answer["result"]["content"], json!([]), "{answer}");
    assert_eq!(backend.seen("tools/call").len(), 3);
}

#[tokio::test]
async fn the_lists_are_not_read_with_each_call_that_is_refused_for_its_headers() {
    let backend = serving(Backend::modern())
        .on("tools/call", |_| async { Answer::error(-32020, "never") })
        .start()
        .await;
    let served = before(&backend).await;
    let session = served.session().await;
    let params = json!({"name": "t", "arguments": arguments()});
    let began = backend.seen("tools/list").len();
    for _ in 0..10 {
        assert_eq!(session.call("tools/call", params.clone()).await.code(), -32020);
        let given = call(&served, "t", &arguments(), &GOOD).send().await;
        assert_eq!(given.code(), -32020);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Once for the first call, and once for the catalogue; where this test is held up, a few times more.
    let read = backend.seen("tools/list").len() - began;
    assert!((1..=4).contains(&read), "{read}");
}

#[tokio::test]
async fn a_backend_that_refuses_all_headers_is_not_asked_for_ever() {
    let backend = serving(Backend::modern())
        .on("tools/call", |_| async { Answer::error(-32020, "never") })
        .start()
        .await;
    let served = before(&backend).await;
    let session = served.session().await;
    let params = json!({"name": "t", "arguments": arguments()});
    assert_eq!(session.call("tools/call", params).await.code(), -32020);
    assert_eq!(backend.seen("tools/call").len(), 1);
}
