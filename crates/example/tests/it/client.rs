//! A client in memory: it sends lines and reads what comes back, and holds the server's end in a task.

use std::time::Duration;

use argus_example::{ExampleError, run};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf, duplex, split};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client {
    input: WriteHalf<DuplexStream>,
    output: Lines<BufReader<ReadHalf<DuplexStream>>>,
    server: JoinHandle<Result<(), ExampleError>>,
}

impl Client {
    /// A client of a fresh server.
    pub(crate) fn of(name: &'static str) -> Self {
        let (here, there) = duplex(1 << 16);
        let (from_client, to_client) = split(there);
        let server = tokio::spawn(run(name, BufReader::new(from_client), to_client));
        let (output, input) = split(here);
        Self {
            input,
            output: BufReader::new(output).lines(),
            server,
        }
    }

    /// A client that has shaken hands, with these capabilities.
    pub(crate) async fn legacy(name: &'static str, capabilities: Value) -> Self {
        Self::shaken(name, "2025-11-25", capabilities).await
    }

    /// The same, asking for a revision.
    pub(crate) async fn shaken(name: &'static str, version: &str, capabilities: Value) -> Self {
        let mut client = Self::of(name);
        let params = json!({
            "protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": "test", "version": "0"}
        });
        let answer = client.request("hello", "initialize", params).await;
        assert_eq!(answer["result"]["protocolVersion"], version);
        client
            .send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        client
    }

    pub(crate) async fn line(&mut self, line: &[u8]) {
        self.input.write_all(line).await.unwrap();
        self.input.write_all(b"\n").await.unwrap();
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.line(message.to_string().as_bytes()).await;
    }

    /// The next message from the server.
    pub(crate) async fn receive(&mut self) -> Value {
        let line = timeout(PATIENCE, self.output.next_line())
            .await
            .expect("a message in time");
        serde_json::from_str(&line.unwrap().expect("a message, not the end")).unwrap()
    }

    /// Nothing comes for a while.
    pub(crate) async fn silence(&mut self) {
        let line = timeout(Duration::from_millis(100), self.output.next_line()).await;
        assert!(line.is_err(), "unexpected: {line:?}");
    }

    pub(crate) async fn start(&mut self, id: impl Into<Value>, method: &str, params: Value) {
        let id: Value = id.into();
        self.send(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
    }

    /// A request whose answer is the next message.
    pub(crate) async fn request(&mut self, id: impl Into<Value>, method: &str, params: Value) -> Value {
        let id: Value = id.into();
        self.start(id.clone(), method, params).await;
        let answer = self.receive().await;
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// The error code a request is answered with.
    pub(crate) async fn code(&mut self, method: &str, params: Value) -> i64 {
        let answer = self.request("code", method, params).await;
        answer["error"]["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("no error: {answer}"))
    }

    pub(crate) async fn cancel(&mut self, id: impl Into<Value>) {
        let id: Value = id.into();
        self.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}}))
            .await;
    }

    /// Closes the input; gives what the server still says, once it has ended well.
    pub(crate) async fn end(mut self) -> Vec<Value> {
        self.input.shutdown().await.unwrap();
        let mut rest = Vec::new();
        while let Some(line) = timeout(PATIENCE, self.output.next_line())
            .await
            .expect("an end in time")
            .unwrap()
        {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        timeout(PATIENCE, self.server)
            .await
            .expect("an end in time")
            .unwrap()
            .unwrap();
        rest
    }
}

/// The params of a modern request: `_meta` added to the given ones.
pub(crate) fn modern(params: Value, capabilities: Value) -> Value {
    modern_with(params, capabilities, json!({}))
}

/// The same, with further keys in `_meta`.
pub(crate) fn modern_with(mut params: Value, capabilities: Value, more: Value) -> Value {
    params["_meta"] = more;
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    params
}

/// The params of a tool call.
pub(crate) fn tool(name: &str, arguments: Value) -> Value {
    json!({"name": name, "arguments": arguments})
}

/// The text of a tool result.
pub(crate) fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("no text: {answer}"))
}
