//! A client of HTTP+SSE.

use std::net::SocketAddr;

use http::Method;
use serde_json::{Value, json};

use super::request::Request;
use super::{Open, Whole};

const MODERN: &str = "2026-07-28";

/// An open connection. Dropped, it closes the stream.
pub(crate) struct Sse {
    address: SocketAddr,
    /// Where messages are posted.
    pub(crate) endpoint: String,
    pub(crate) stream: Open,
    next: u64,
}

impl Sse {
    pub(super) async fn open(address: SocketAddr) -> Self {
        let get = Request::new(address, Method::GET, "/sse").header("accept", "text/event-stream");
        let mut stream = get.open().await;
        assert_eq!(stream.status, 200);
        let (name, endpoint) = stream.typed().await.unwrap();
        assert_eq!(name, "endpoint");
        Self {
            address,
            endpoint,
            stream,
            next: 1000,
        }
    }

    /// A POST of any body.
    pub(crate) fn post(&self, body: impl Into<Vec<u8>>) -> Request {
        Request::new(self.address, Method::POST, &self.endpoint)
            .header("content-type", "application/json")
            .body(body)
    }

    /// Posts a message, which must be taken.
    pub(crate) async fn say(&self, message: Value) -> Whole {
        let taken = self.post(message.to_string()).send().await;
        assert_eq!((taken.status.as_u16(), &*taken.body), (202, "Accepted"), "{message}");
        taken
    }

    /// Posts a request.
    pub(crate) async fn ask(&self, id: Value, method: &str, params: Value) {
        self.say(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
    }

    /// Posts a request of a modern client, which can do nothing.
    pub(crate) async fn ask_modern(&self, id: Value, method: &str, mut params: Value) {
        params["_meta"]["io.modelcontextprotocol/protocolVersion"] = MODERN.into();
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        self.ask(id, method, params).await;
    }

    /// Posts a notification.
    pub(crate) async fn notify(&self, method: &str, params: Value) {
        self.say(json!({"jsonrpc": "2.0", "method": method, "params": params}))
            .await;
    }

    /// Answers a question of the gateway.
    pub(crate) async fn answer(&self, id: &Value, result: Value) {
        self.say(json!({"jsonrpc": "2.0", "id": id, "result": result})).await;
    }

    /// The next message on the stream.
    pub(crate) async fn message(&mut self) -> Value {
        self.stream.message().await
    }

    /// The next response on the stream.
    pub(crate) async fn response(&mut self) -> Value {
        loop {
            let message = self.message().await;
            if message.get("method").is_none() {
                return message;
            }
        }
    }

    /// Posts a request and waits for its response, which must be the next.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.ask(json!(id), method, params).await;
        let response = self.response().await;
        assert_eq!(response["id"], id, "{response}");
        response
    }

    /// The handshake; gives its result.
    pub(crate) async fn initialize(&mut self, version: &str, capabilities: Value) -> Value {
        let params = json!({
            "protocolVersion": version,
            "capabilities": capabilities,
            "clientInfo": {"name": "test", "version": "1"},
        });
        let result = self.call("initialize", params).await["result"].take();
        assert!(result.is_object());
        self.notify("notifications/initialized", json!({})).await;
        result
    }
}
