//! The legacy era, as a client with a session sees it.

use serde_json::{Value, json};

use crate::client::{Client, text, tool};

#[tokio::test]
async fn every_revision_can_be_negotiated() {
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        Client::shaken("time", version, json!({})).await.end().await;
    }
    let mut client = Client::of("time");
    let params = json!({"protocolVersion": "2026-07-28", "capabilities": {}});
    let answer = client.request(1, "initialize", params).await;
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    assert_eq!(answer["result"]["serverInfo"]["name"], "argus-example-time");
    client.end().await;
}

#[tokio::test]
async fn a_session_stays_legacy() {
    let mut client = Client::legacy("echo", json!({})).await;
    assert_eq!(client.code("server/discover", json!({})).await, -32600);
    let params = crate::client::modern(json!({}), json!({}));
    assert_eq!(client.code("tools/list", params).await, -32600);
    assert_eq!(
        client
            .code(
                "initialize",
                json!({"protocolVersion": "2025-11-25", "capabilities": {}})
            )
            .await,
        -32600
    );
    assert_eq!(client.request(1, "ping", json!({})).await["result"], json!({}));
}

#[tokio::test]
async fn the_time_server_has_tools_only() {
    let mut client = Client::legacy("time", json!({})).await;
    let answer = client.request(1, "tools/list", json!({})).await;
    assert_eq!(answer["result"]["tools"][0]["name"], "get_current_time");
    assert_eq!(answer["result"]["tools"][1]["name"], "convert_time");
    assert!(answer["result"].get("resultType").is_none());
    let arguments = json!({"timezone": "Asia/Tokyo"});
    let answer = client
        .request(2, "tools/call", tool("get_current_time", arguments))
        .await;
    assert!(
        answer["result"]["structuredContent"]["datetime"]
            .as_str()
            .unwrap()
            .ends_with("+09:00")
    );
    for method in [
        "resources/list",
        "prompts/list",
        "completion/complete",
        "logging/setLevel",
        "resources/subscribe",
    ] {
        assert_eq!(client.code(method, json!({})).await, -32601, "{method}");
    }
}

#[tokio::test]
async fn the_plain_tools() {
    let mut client = Client::legacy("echo", json!({})).await;
    let answer = client
        .request(1, "tools/call", tool("echo", json!({"message": "héllo\n"})))
        .await;
    assert_eq!(text(&answer), "héllo\n");
    let answer = client
        .request(2, "tools/call", tool("add", json!({"a": 1, "b": 2})))
        .await;
    assert_eq!(answer["result"]["structuredContent"], json!({"sum": 3}));
    let answer = client.request(3, "tools/call", json!({"name": "fail"})).await;
    assert_eq!(answer["result"]["isError"], true);
    let answer = client
        .request(4, "tools/call", tool("echo", json!({"message": 1})))
        .await;
    assert_eq!(answer["result"]["isError"], true);
    assert_eq!(client.code("tools/call", tool("none", json!({}))).await, -32602);
    assert_eq!(
        client.code("tools/call", tool("shout", json!({"message": "a"}))).await,
        -32602
    );
}

#[tokio::test]
async fn resources_prompts_and_completion() {
    let mut client = Client::legacy("echo", json!({})).await;
    let answer = client
        .request(1, "resources/read", json!({"uri": "note://groceries"}))
        .await;
    assert_eq!(answer["result"]["contents"][0]["text"], "Bread");
    let answer = client
        .request(2, "resources/read", json!({"uri": "demo://dot.png"}))
        .await;
    assert!(answer["result"]["contents"][0]["blob"].is_string());
    let answer = client.request(3, "resources/read", json!({"uri": "note://none"})).await;
    assert_eq!(answer["error"]["code"], -32002);
    assert_eq!(answer["error"]["data"], json!({"uri": "note://none"}));
    let answer = client.request(4, "resources/templates/list", json!({})).await;
    assert_eq!(answer["result"]["resourceTemplates"][0]["uriTemplate"], "note://{id}");
    let params = json!({"name": "translate", "arguments": {"text": "Ja", "language": "Greek"}});
    let answer = client.request(5, "prompts/get", params).await;
    assert_eq!(
        answer["result"]["messages"][0]["content"]["text"],
        "Translate into Greek:\n\nJa"
    );
    assert_eq!(client.code("prompts/get", json!({"name": "translate"})).await, -32602);
    let params = json!({
        "ref": {"type": "ref/prompt", "name": "translate"}, "argument": {"name": "language", "value": "g"}
    });
    let answer = client.request(6, "completion/complete", params).await;
    assert_eq!(answer["result"]["completion"]["values"], json!(["German", "Greek"]));
    let params = json!({
        "ref": {"type": "ref/resource", "uri": "note://{id}"}, "argument": {"name": "id", "value": "wel"}
    });
    let answer = client.request(7, "completion/complete", params).await;
    assert_eq!(
        answer["result"]["completion"],
        json!({"values": ["welcome"], "total": 1, "hasMore": false})
    );
    assert_eq!(client.code("tools/list", json!({"cursor": "x"})).await, -32602);
}

#[tokio::test]
async fn progress_comes_before_the_result_and_requests_run_side_by_side() {
    let mut client = Client::legacy("echo", json!({})).await;
    let mut params = tool("slow", json!({"steps": 2, "delay_ms": 100}));
    params["_meta"] = json!({"progressToken": "p"});
    client.start("slow", "tools/call", params).await;
    let answer = client
        .request("quick", "tools/call", tool("echo", json!({"message": "first"})))
        .await;
    assert_eq!(text(&answer), "first");
    for step in 1..=2 {
        let progress = client.receive().await;
        assert_eq!(progress["method"], "notifications/progress");
        assert_eq!(progress["params"]["progressToken"], "p");
        assert_eq!(progress["params"]["progress"], step);
    }
    assert_eq!(client.receive().await["id"], "slow");
}

#[tokio::test]
async fn a_cancelled_job_is_silent() {
    let mut client = Client::legacy("echo", json!({})).await;
    let mut params = tool("slow", json!({"steps": 1000, "delay_ms": 20}));
    params["_meta"] = json!({"progressToken": 1});
    client.start(7, "tools/call", params.clone()).await;
    assert_eq!(client.receive().await["params"]["progress"], 1);
    assert_eq!(client.code_of_reused(7).await, -32600);
    client.cancel("7").await;
    client.drain_until_ping().await;
    client.cancel(7).await;
    client.drain_until_ping().await;
    client.silence().await;
    client.cancel("unknown").await;
    let answer = client
        .request(7, "tools/call", tool("echo", json!({"message": "again"})))
        .await;
    assert_eq!(text(&answer), "again");
}

impl Client {
    /// The error code for a second request under an id that is in use; progress of the first is skipped.
    async fn code_of_reused(&mut self, id: i64) -> i64 {
        self.start(id, "tools/list", json!({})).await;
        loop {
            let message = self.receive().await;
            if message["id"] == id {
                return message["error"]["code"].as_i64().unwrap();
            }
        }
    }

    /// Skips notifications until everything sent so far has been handled.
    async fn drain_until_ping(&mut self) {
        self.start("drain", "ping", json!({})).await;
        while self.receive().await["id"] != "drain" {}
    }
}

#[tokio::test]
async fn logs_come_from_the_level_that_was_set() {
    let mut client = Client::legacy("echo", json!({})).await;
    let debug = || tool("log", json!({"level": "debug", "message": "small"}));
    assert_eq!(client.request(1, "tools/call", debug()).await["id"], 1);
    assert_eq!(
        client.request(2, "logging/setLevel", json!({"level": "debug"})).await["result"],
        json!({})
    );
    client.start(3, "tools/call", debug()).await;
    let log = client.receive().await;
    assert_eq!(
        log["params"],
        json!({"level": "debug", "logger": "echo", "data": "small"})
    );
    assert_eq!(client.receive().await["id"], 3);
    assert_eq!(client.code("logging/setLevel", json!({"level": "loud"})).await, -32602);
}

#[tokio::test]
async fn subscribers_hear_of_changes() {
    let mut client = Client::legacy("echo", json!({})).await;
    let write = |text: &str| tool("write_note", json!({"id": "groceries", "text": text}));
    client.request(1, "tools/call", write("Milk")).await;
    let groceries = json!({"uri": "note://groceries"});
    client.request(2, "resources/subscribe", groceries.clone()).await;
    client.start(3, "tools/call", write("Wine")).await;
    let updated = client.receive().await;
    assert_eq!(updated["method"], "notifications/resources/updated");
    assert_eq!(updated["params"], groceries);
    assert_eq!(client.receive().await["id"], 3);
    client.request(4, "resources/unsubscribe", groceries).await;
    client.request(5, "tools/call", write("Beer")).await;
    assert_eq!(
        client.code("resources/subscribe", json!({"uri": "note://none"})).await,
        -32002
    );
    client
        .start(6, "tools/call", tool("write_note", json!({"id": "new", "text": ""})))
        .await;
    assert_eq!(client.receive().await["method"], "notifications/resources/list_changed");
    assert_eq!(client.receive().await["id"], 6);
}

#[tokio::test]
async fn a_tool_appears_and_disappears() {
    let mut client = Client::legacy("echo", json!({})).await;
    for (times, there) in [(1, true), (2, false)] {
        client.start(times, "tools/call", tool("toggle_shout", json!({}))).await;
        assert_eq!(client.receive().await["method"], "notifications/tools/list_changed");
        assert_eq!(client.receive().await["id"], times);
        let list = client.request("list", "tools/list", json!({})).await;
        let tools = list["result"]["tools"].as_array().unwrap();
        assert_eq!(tools.iter().any(|tool| tool["name"] == "shout"), there);
    }
}

#[tokio::test]
async fn the_client_is_asked_what_it_offers() {
    let capabilities = json!({"elicitation": {}, "sampling": {}, "roots": {}});
    let mut client = Client::legacy("echo", capabilities).await;
    client.start("call", "tools/call", tool("introduce", json!({}))).await;
    let ask = client.receive().await;
    assert_eq!(ask["method"], "elicitation/create");
    assert!(ask["params"]["requestedSchema"]["properties"]["name"].is_object());
    let answer = json!({"action": "accept", "content": {"name": "Ada"}});
    client
        .send(json!({"jsonrpc": "2.0", "id": ask["id"], "result": answer}))
        .await;
    let ask = client.receive().await;
    assert_eq!(ask["method"], "sampling/createMessage");
    let content = json!({"type": "text", "text": "Hello Ada!"});
    let answer = json!({"role": "assistant", "content": content, "model": "m"});
    client
        .send(json!({"jsonrpc": "2.0", "id": ask["id"], "result": answer}))
        .await;
    assert_eq!(text(&client.receive().await), "Ada: Hello Ada!");
}

#[tokio::test]
async fn refusals_and_nonsense_from_the_client_are_tool_errors() {
    let mut client = Client::legacy("echo", json!({"elicitation": {}})).await;
    for reply in [
        json!({"error": {"code": -1, "message": "no"}}),
        json!({"result": {"action": 7}}),
        json!({"result": 1}),
    ] {
        client.start("call", "tools/call", tool("ask_user", json!({}))).await;
        let ask = client.receive().await;
        let mut reply = reply;
        reply["jsonrpc"] = json!("2.0");
        reply["id"] = ask["id"].clone();
        client.send(reply).await;
        assert_eq!(client.receive().await["result"]["isError"], true);
    }
    let answer = client
        .request(1, "tools/call", tool("ask_model", json!({"prompt": "?"})))
        .await;
    assert_eq!(answer["result"]["isError"], true);
    assert_eq!(text(&answer), "this client does not offer sampling");
}

#[tokio::test]
async fn cancelling_a_call_withdraws_its_question() {
    let mut client = Client::legacy("echo", json!({"roots": {}})).await;
    client.start("call", "tools/call", tool("ask_roots", json!({}))).await;
    let ask = client.receive().await;
    client.cancel("call").await;
    let withdrawal = client.receive().await;
    assert_eq!(withdrawal["method"], "notifications/cancelled");
    assert_eq!(withdrawal["params"]["requestId"], ask["id"]);
    client.silence().await;
}

#[tokio::test]
async fn batches_are_answered_together_where_the_revision_has_them() {
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/whatever"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        7,
    ]);
    let mut client = Client::shaken("time", "2025-03-26", json!({})).await;
    client.send(batch.clone()).await;
    let answers = client.receive().await;
    let mut ids: Vec<Value> = answers
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["id"].clone())
        .collect();
    ids.sort_by_key(Value::to_string);
    assert_eq!(ids, [json!(1), json!(2), Value::Null]);
    client.send(json!([])).await;
    assert_eq!(client.receive().await["error"]["code"], -32600);
    let mut client = Client::legacy("time", json!({})).await;
    client.send(batch).await;
    assert_eq!(client.receive().await["error"]["code"], -32600);
}

#[tokio::test]
async fn the_end_of_input_ends_everything() {
    let mut client = Client::legacy("echo", json!({"roots": {}})).await;
    client.start("ask", "tools/call", tool("ask_roots", json!({}))).await;
    client.receive().await;
    client
        .start(
            "endless",
            "tools/call",
            tool("slow", json!({"steps": 1000, "delay_ms": 60_000})),
        )
        .await;
    client
        .start("short", "tools/call", tool("slow", json!({"steps": 1, "delay_ms": 50})))
        .await;
    let rest = client.end().await;
    assert_eq!(rest.len(), 2, "{rest:?}");
    assert!(
        rest.iter()
            .any(|answer| answer["id"] == "ask" && answer["result"]["isError"] == true)
    );
    assert!(rest.iter().any(|answer| answer["id"] == "short"));
}
