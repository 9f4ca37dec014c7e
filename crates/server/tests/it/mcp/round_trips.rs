//! Multi round-trip requests of modern clients: what the client carries is sealed.

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Call, Served, until};

/// What a state may look like; the spelling matters to the backend.
const STATE: &str = r#""their \u00e9\/ state""#;

/// A backend whose tools `a` and `b` ask once and then tell what came back.
async fn gateway() -> (Backend, Served) {
    let backend = Backend::modern()
        .tools(&["a", "b"])
        .on("tools/call", answer)
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    (backend, served)
}

async fn answer(call: Call) -> Answer {
    if call.params.get("requestState").is_some() || call.params.get("inputResponses").is_some() {
        return json!({"resultType": "complete", "content": [], "got": call.params}).into();
    }
    let requests = json!({"q": {"method": "elicitation/create", "params": {"message": "?"}}});
    Answer::Result(format!(
        r#"{{"resultType":"input_required","inputRequests":{requests},"requestState":{STATE},"n":1.0}}"#
    ))
}

/// The state that the client is given.
async fn asked(served: &Served) -> Value {
    let answered = served.modern("tools/call", json!({"name": "a"})).send().await;
    let result = answered.result();
    assert_eq!(result["resultType"], "input_required");
    assert_eq!(result["inputRequests"]["q"]["params"]["message"], "?");
    assert!(answered.body.contains(r#""n":1.0"#), "{}", answered.body);
    result["requestState"].clone()
}

fn retry(name: &str, state: &Value) -> Value {
    json!({"name": name, "inputResponses": {"q": {"action": "accept"}}, "requestState": state})
}

#[tokio::test]
async fn the_state_is_sealed() {
    let (_backend, served) = gateway().await;
    let state = asked(&served).await;
    let text = state.as_str().unwrap();
    assert!(!text.contains("their") && !text.contains("state"), "{text}");
    assert_ne!(state, asked(&served).await, "two seals of one state must differ");
}

#[tokio::test]
async fn the_backend_gets_its_own_state_back_byte_by_byte() {
    let (backend, served) = gateway().await;
    let state = asked(&served).await;
    let answered = served.modern("tools/call", retry("a", &state)).send().await;
    let expected: Value = serde_json::from_str(STATE).unwrap();
    assert_eq!(answered.result()["got"]["requestState"], expected);
    assert_eq!(
        answered.result()["got"]["inputResponses"],
        json!({"q": {"action": "accept"}})
    );
    assert!(
        backend.seen("tools/call")[1]
            .text
            .contains(&format!(r#""requestState":{STATE}"#))
    );
}

#[tokio::test]
async fn a_state_that_was_changed_is_refused() {
    let (backend, served) = gateway().await;
    let state = asked(&served).await;
    let text = state.as_str().unwrap();
    let flipped = format!("{}{}", if text.starts_with('A') { 'B' } else { 'A' }, &text[1..]);
    let last = format!(
        "{}{}",
        &text[..text.len() - 2],
        if text.ends_with("AA") { "BB" } else { "AA" }
    );
    let tampered = [
        json!(flipped),
        json!(last),
        json!(format!("{text}A")),
        json!(&text[..20]),
        json!("their é/ state"),
        json!(""),
        json!(5),
        json!({}),
        Value::Null,
    ];
    for state in tampered {
        let answered = served.modern("tools/call", retry("a", &state)).send().await;
        assert_eq!(answered.code(), -32602, "{state}");
    }
    assert_eq!(backend.seen("tools/call").len(), 1);
}

#[tokio::test]
async fn a_refused_state() {
    let (_backend, served) = gateway().await;
    let answered = served.modern("tools/call", retry("a", &json!("forged"))).send().await;
    insta::assert_snapshot!(answered.shown());
}

#[tokio::test]
async fn a_state_is_not_smuggled_past_the_seal_by_its_spelling() {
    let (backend, served) = gateway().await;
    let request = served.modern("tools/call", retry("a", &json!("forged")));
    let answered = request.replace("requestState", r"request\u0053tate").send().await;
    assert_eq!(answered.code(), -32602);
    assert!(backend.seen("tools/call").is_empty());
}

#[tokio::test]
async fn a_backend_cannot_slip_its_state_out_by_its_spelling() {
    let backend = Backend::modern()
        .tools(&["a"])
        .on("tools/call", |_| async {
            r#"{"resultType":"input_required","inputRequests":{},"request\u0053tate":"secret"}"#
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let answered = served.modern("tools/call", json!({"name": "a"})).send().await;
    assert!(!answered.body.contains("secret"), "{}", answered.body);
}

#[tokio::test]
async fn the_state_of_another_tool_is_refused() {
    let (backend, served) = gateway().await;
    let state = asked(&served).await;
    assert_eq!(
        served.modern("tools/call", retry("b", &state)).send().await.code(),
        -32602
    );
    assert_eq!(backend.seen("tools/call").len(), 1);
}

#[tokio::test]
async fn the_state_of_another_backend_is_refused() {
    let (_backend, served) = gateway().await;
    let state = asked(&served).await;
    let (_other_backend, other) = gateway().await;
    assert_eq!(
        other.modern("tools/call", retry("a", &state)).send().await.code(),
        -32602
    );
}

#[tokio::test]
async fn answers_without_a_state_are_relayed() {
    let (_backend, served) = gateway().await;
    let params = json!({"name": "a", "inputResponses": {"q": {"action": "decline"}}});
    let answered = served.modern("tools/call", params).send().await;
    assert_eq!(
        answered.result()["got"]["inputResponses"],
        json!({"q": {"action": "decline"}})
    );
}

#[tokio::test]
async fn a_state_among_the_arguments_is_nothing_special() {
    let (_backend, served) = gateway().await;
    let params = json!({"name": "a", "arguments": {"requestState": "mine"}, "inputResponses": {}});
    let answered = served.modern("tools/call", params).send().await;
    assert_eq!(answered.result()["got"]["arguments"], json!({"requestState": "mine"}));
}

#[tokio::test]
async fn progress_precedes_the_answer_of_a_modern_call() {
    let backend = Backend::modern()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            call.progress(1);
            json!({"resultType": "complete"})
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let params = json!({"name": "t", "_meta": {"progressToken": "mine"}});
    let messages = served.modern("tools/call", params).send().await.messages();
    assert_eq!(messages[0]["params"], json!({"progressToken": "mine", "progress": 1}));
    assert_eq!(messages[1]["result"], json!({"resultType": "complete"}));
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_at_a_modern_backend() {
    let backend = Backend::modern()
        .tools(&["t"])
        .on("tools/call", |call| async move {
            call.progress(1);
            Answer::Silence
        })
        .start()
        .await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let params = json!({"name": "t", "_meta": {"progressToken": 1}});
    let mut open = served.modern("tools/call", params).open().await;
    open.message().await;
    drop(open);
    until("the call is given up", || backend.given_up() == 1).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_within_the_first_second_cancels_too() {
    let backend = Backend::modern().tools(&["t"]).silent("tools/call").start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let waiting = tokio::spawn(served.modern("tools/call", json!({"name": "t"})).send());
    backend.first("tools/call").await;
    waiting.abort();
    until("the call is given up", || backend.given_up() == 1).await;
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_at_a_legacy_backend() {
    let backend = Backend::legacy().tools(&["t"]).silent("tools/call").start().await;
    let served = Served::backends(&[backend.yaml("one", "")]).await;
    let waiting = tokio::spawn(served.modern("tools/call", json!({"name": "t"})).send());
    let theirs = backend.first("tools/call").await.message["id"].clone();
    waiting.abort();
    assert_eq!(
        backend.first("notifications/cancelled").await.message["params"]["requestId"],
        theirs
    );
}
