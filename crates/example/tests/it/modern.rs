//! The modern era, as a client without a session sees it.

use serde_json::{Value, json};

use crate::client::{Client, modern, modern_with, text, tool};

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";

fn plain(params: Value) -> Value {
    modern(params, json!({}))
}

#[tokio::test]
async fn discovery() {
    let mut client = Client::of("echo");
    let answer = client.request(1, "server/discover", plain(json!({}))).await;
    let result = &answer["result"];
    assert_eq!(result["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(result["resultType"], "complete");
    assert_eq!(result["_meta"][SERVER_INFO]["name"], "argus-example-echo");
    assert!(result["ttlMs"].is_u64() && result["cacheScope"].is_string());
    assert!(result["capabilities"]["tools"].is_object() && result["instructions"].is_string());
}

#[tokio::test]
async fn a_connection_stays_modern() {
    let mut client = Client::of("echo");
    client.request(1, "tools/list", plain(json!({}))).await;
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}});
    let answer = client.request(2, "initialize", hello.clone()).await;
    assert_eq!(answer["error"]["code"], -32022);
    assert_eq!(
        answer["error"]["data"],
        json!({"supported": ["2026-07-28"], "requested": "2025-11-25"})
    );
    assert_eq!(client.code("initialize", plain(hello)).await, -32601);
    assert_eq!(client.code("tools/list", json!({})).await, -32602);
    for method in [
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "nonsense",
    ] {
        assert_eq!(
            client
                .code(method, plain(json!({"level": "info", "uri": "note://welcome"})))
                .await,
            -32601,
            "{method}"
        );
    }
}

#[tokio::test]
async fn what_a_request_must_say_about_itself() {
    let mut client = Client::of("echo");
    assert_eq!(client.code("server/discover", json!({})).await, -32602);
    let mut params = plain(json!({}));
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2199-01-01");
    let answer = client.request(1, "server/discover", params.clone()).await;
    assert_eq!(answer["error"]["code"], -32022);
    assert_eq!(answer["error"]["data"]["requested"], "2199-01-01");
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(["2026-07-28"]);
    assert_eq!(client.code("tools/list", params).await, -32602);
    assert_eq!(client.code("tools/list", modern(json!({}), json!("all"))).await, -32602);
    // None of these decided the era.
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}});
    assert!(client.request(2, "initialize", hello).await["result"].is_object());
}

#[tokio::test]
async fn results_say_what_they_are_and_how_long_they_keep() {
    let mut client = Client::of("echo");
    for method in [
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "prompts/list",
    ] {
        let answer = client.request(1, method, plain(json!({}))).await;
        assert_eq!(answer["result"]["resultType"], "complete", "{method}");
        assert_eq!(answer["result"]["cacheScope"], "public", "{method}");
        assert!(
            answer["result"]["_meta"][SERVER_INFO]["version"].is_string(),
            "{method}"
        );
    }
    let answer = client
        .request(2, "resources/read", plain(json!({"uri": "demo://about"})))
        .await;
    assert_eq!(
        (&answer["result"]["ttlMs"], &answer["result"]["cacheScope"]),
        (&json!(0), &json!("private"))
    );
    let answer = client
        .request(3, "tools/call", plain(tool("echo", json!({"message": "m"}))))
        .await;
    assert_eq!(answer["result"]["resultType"], "complete");
    assert!(answer["result"].get("ttlMs").is_none());
    let answer = client
        .request(4, "resources/read", plain(json!({"uri": "note://none"})))
        .await;
    assert_eq!(answer["error"]["code"], -32602);
    assert_eq!(answer["error"]["data"], json!({"uri": "note://none"}));
    assert_eq!(client.code("tools/call", plain(tool("none", json!({})))).await, -32602);
}

#[tokio::test]
async fn questions_come_as_results_until_all_are_answered() {
    let mut client = Client::of("echo");
    let capabilities = json!({"elicitation": {"form": {}}, "sampling": {}});
    let call = || tool("introduce", json!({}));
    let first = client
        .request(1, "tools/call", modern(call(), capabilities.clone()))
        .await;
    assert_eq!(first["result"]["resultType"], "input_required");
    assert_eq!(first["result"]["inputRequests"]["name"]["method"], "elicitation/create");
    assert!(first["result"]["_meta"][SERVER_INFO].is_object());

    let mut retry = call();
    retry["requestState"] = first["result"]["requestState"].clone();
    let again = client
        .request(2, "tools/call", modern(retry.clone(), capabilities.clone()))
        .await;
    assert_eq!(
        again["result"]["resultType"], "input_required",
        "a missing answer is asked for again"
    );

    retry["inputResponses"] = json!({"name": {"action": "accept", "content": {"name": "Ada"}}, "other": 1});
    let second = client
        .request(3, "tools/call", modern(retry, capabilities.clone()))
        .await;
    let ask = &second["result"]["inputRequests"]["greeting"];
    assert_eq!(ask["method"], "sampling/createMessage");

    let mut retry = call();
    retry["requestState"] = second["result"]["requestState"].clone();
    retry["inputResponses"] =
        json!({"greeting": {"role": "assistant", "content": {"type": "text", "text": "Hi"}, "model": "m"}});
    let last = client.request(4, "tools/call", modern(retry, capabilities)).await;
    assert_eq!(text(&last), "Ada: Hi");
    assert_eq!(last["result"]["resultType"], "complete");
}

#[tokio::test]
async fn a_forged_state_or_a_malformed_answer_is_refused() {
    let mut client = Client::of("echo");
    let capabilities = json!({"elicitation": {}});
    let first = client
        .request(
            1,
            "tools/call",
            modern(tool("ask_user", json!({})), capabilities.clone()),
        )
        .await;
    let state = first["result"]["requestState"].as_str().unwrap().to_owned();
    let retry = |state: Value, responses: Value| {
        let mut params = modern(tool("ask_user", json!({})), capabilities.clone());
        params["requestState"] = state;
        params["inputResponses"] = responses;
        params
    };
    let good = json!({"form": {"action": "decline"}});
    let flipped = if state.ends_with('A') { "B" } else { "A" };
    let forged = format!("{}{flipped}", &state[..state.len() - 1]);
    assert_eq!(
        client.code("tools/call", retry(json!(forged), good.clone())).await,
        -32602
    );
    assert_eq!(client.code("tools/call", retry(json!(5), good.clone())).await, -32602);
    assert_eq!(client.code("tools/call", retry(json!(state), json!([]))).await, -32602);
    assert_eq!(
        client
            .code("tools/call", retry(json!(state), json!({"form": {"action": 1}})))
            .await,
        -32602
    );
    let answer = client.request(2, "tools/call", retry(json!(state), good)).await;
    assert_eq!(text(&answer), "The user did not answer (decline).");
}

#[tokio::test]
async fn an_undeclared_capability_is_named() {
    let mut client = Client::of("echo");
    let answer = client
        .request(1, "tools/call", plain(tool("ask_model", json!({"prompt": "?"}))))
        .await;
    assert_eq!(answer["error"]["code"], -32021);
    assert_eq!(
        answer["error"]["data"],
        json!({"requiredCapabilities": {"sampling": {}}})
    );
}

#[tokio::test]
async fn a_listen_hears_what_it_asked_for_until_it_is_cancelled() {
    let mut client = Client::of("echo");
    let wanted =
        json!({"toolsListChanged": true, "promptsListChanged": true, "resourceSubscriptions": ["note://welcome"]});
    client
        .start("ear", "subscriptions/listen", plain(json!({"notifications": wanted})))
        .await;
    let acknowledged = client.receive().await;
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(acknowledged["params"]["_meta"][SUBSCRIPTION_ID], "ear");
    let honoured = json!({"toolsListChanged": true, "resourceSubscriptions": ["note://welcome"]});
    assert_eq!(acknowledged["params"]["notifications"], honoured);
    client
        .start(
            5,
            "subscriptions/listen",
            plain(json!({"notifications": {"toolsListChanged": true}})),
        )
        .await;
    assert_eq!(client.receive().await["params"]["_meta"][SUBSCRIPTION_ID], 5);

    client
        .start(6, "tools/call", plain(tool("toggle_shout", json!({}))))
        .await;
    for id in [json!("ear"), json!(5)] {
        let changed = client.receive().await;
        assert_eq!(changed["method"], "notifications/tools/list_changed");
        assert_eq!(changed["params"]["_meta"][SUBSCRIPTION_ID], id);
    }
    assert_eq!(client.receive().await["id"], 6);

    client
        .start(
            7,
            "tools/call",
            plain(tool("write_note", json!({"id": "welcome", "text": "x"}))),
        )
        .await;
    let updated = client.receive().await;
    assert_eq!(
        updated["params"],
        json!({"_meta": {SUBSCRIPTION_ID: "ear"}, "uri": "note://welcome"})
    );
    assert_eq!(client.receive().await["id"], 7);

    client.start("ear", "tools/list", plain(json!({}))).await;
    assert_eq!(client.receive().await["error"]["code"], -32600, "the id is in use");
    client.cancel("ear").await;
    client
        .request(
            8,
            "tools/call",
            plain(tool("write_note", json!({"id": "welcome", "text": "y"}))),
        )
        .await;

    let rest = client.end().await;
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0]["id"], 5);
    assert_eq!(rest[0]["result"]["resultType"], "complete");
    assert_eq!(rest[0]["result"]["_meta"][SUBSCRIPTION_ID], 5);
}

#[tokio::test]
async fn logs_come_only_where_they_are_asked_for() {
    let mut client = Client::of("echo");
    let call = || tool("log", json!({"level": "warning", "message": "careful"}));
    client.request(1, "tools/call", plain(call())).await;
    let level = |name: &str| json!({"io.modelcontextprotocol/logLevel": name});
    client
        .request(2, "tools/call", modern_with(call(), json!({}), level("error")))
        .await;
    client
        .start(3, "tools/call", modern_with(call(), json!({}), level("warning")))
        .await;
    assert_eq!(client.receive().await["params"]["data"], "careful");
    assert_eq!(client.receive().await["id"], 3);
    assert_eq!(
        client
            .code("tools/call", modern_with(call(), json!({}), level("loud")))
            .await,
        -32602
    );
}

#[tokio::test]
async fn progress_and_cancellation() {
    let mut client = Client::of("echo");
    let params = tool("slow", json!({"steps": 1000, "delay_ms": 20}));
    client
        .start(
            1,
            "tools/call",
            modern_with(params, json!({}), json!({"progressToken": 9})),
        )
        .await;
    assert_eq!(client.receive().await["params"]["progressToken"], 9);
    client.cancel(1).await;
    client.start(2, "tools/list", plain(json!({}))).await;
    while client.receive().await["id"] != 2 {}
    client.silence().await;
}
