//! A legacy client's session.

use std::net::SocketAddr;

use http::Method;
use serde_json::{Value, json};

use super::request::Request;
use super::{Open, Whole};

/// A session that was initialized.
#[derive(Clone)]
pub(crate) struct Session {
    address: SocketAddr,
    version: String,
    pub(crate) id: String,
}

impl Session {
    pub(super) async fn open(address: SocketAddr, version: &str, capabilities: Value) -> Self {
        let params = json!({
            "protocolVersion": version,
            "capabilities": capabilities,
            "clientInfo": {"name": "test", "version": "1"},
        });
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params});
        let answered = Request::new(address, Method::POST, "/mcp")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body.to_string())
            .send()
            .await;
        let id = answered.headers["mcp-session-id"].to_str().unwrap().to_owned();
        let session = Self {
            address,
            version: answered.result()["protocolVersion"].as_str().unwrap().to_owned(),
            id,
        };
        session.notify("notifications/initialized", json!({})).await;
        session
    }

    /// The same session at another address.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }

    fn with_session(&self, method: Method) -> Request {
        Request::new(self.address, method, "/mcp")
            .header("mcp-session-id", &self.id)
            .header("mcp-protocol-version", &self.version)
    }

    /// A POST of any body.
    pub(crate) fn post(&self, body: impl Into<Vec<u8>>) -> Request {
        self.with_session(Method::POST)
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body)
    }

    /// A request with the id 1.
    pub(crate) fn ask(&self, method: &str, params: Value) -> Request {
        self.ask_as(json!(1), method, params)
    }

    /// A request with another id.
    pub(crate) fn ask_as(&self, id: Value, method: &str, params: Value) -> Request {
        let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        self.post(body.to_string())
    }

    /// Sends a request and waits for all of its answer.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Whole {
        self.ask(method, params).send().await
    }

    /// Calls a tool without arguments.
    pub(crate) async fn tool(&self, name: &str) -> Whole {
        self.call("tools/call", json!({"name": name, "arguments": {}})).await
    }

    /// The names or URIs of a whole list.
    pub(crate) async fn names(&self, method: &str) -> Vec<String> {
        let result = self.call(method, json!({})).await.result();
        names_in(&result)
    }

    /// Sends a notification.
    pub(crate) async fn notify(&self, method: &str, params: Value) -> Whole {
        let body = json!({"jsonrpc": "2.0", "method": method, "params": params});
        self.post(body.to_string()).send().await
    }

    /// Answers a question of the gateway.
    pub(crate) async fn answer(&self, id: &Value, result: Value) -> Whole {
        let body = json!({"jsonrpc": "2.0", "id": id, "result": result});
        self.post(body.to_string()).send().await
    }

    /// The GET that opens the standing stream.
    pub(crate) fn get(&self) -> Request {
        self.with_session(Method::GET).header("accept", "text/event-stream")
    }

    /// Goes on with a stream after an event.
    pub(crate) fn after(&self, event: &str) -> Request {
        self.get().header("last-event-id", event)
    }

    /// Opens the standing stream.
    pub(crate) async fn listen(&self) -> Open {
        self.get().open().await
    }

    /// The DELETE that ends the session.
    pub(crate) fn delete(&self) -> Request {
        self.with_session(Method::DELETE)
    }
}

/// What the items of a list's result are called.
pub(crate) fn names_in(result: &Value) -> Vec<String> {
    let member = ["tools", "prompts", "resources", "resourceTemplates"]
        .into_iter()
        .find(|member| result.get(member).is_some())
        .unwrap();
    let items = result[member].as_array().unwrap();
    let name = |item: &Value| {
        let known = ["uriTemplate", "uri", "name"]
            .into_iter()
            .find_map(|key| item[key].as_str());
        known.unwrap().to_owned()
    };
    items.iter().map(name).collect()
}
