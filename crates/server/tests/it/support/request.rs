//! One HTTP request, every header of which the test decides about.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::{Open, Whole, soon};

const MODERN: &str = "2026-07-28";

/// A request that is not sent yet.
pub(crate) struct Request {
    address: SocketAddr,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Request {
    pub(super) fn new(address: SocketAddr, method: Method, path: &str) -> Self {
        Self {
            address,
            method,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new(),
        }
    }

    /// A request of a modern client: header rules obeyed, `_meta` complete, id 1.
    pub(super) fn modern(address: SocketAddr, method: &str, mut params: Value) -> Self {
        let meta = &mut params["_meta"];
        let own = [
            ("io.modelcontextprotocol/protocolVersion", json!(MODERN)),
            ("io.modelcontextprotocol/clientCapabilities", json!({})),
        ];
        for (key, value) in own {
            if meta.get(key).is_none() {
                meta[key] = value;
            }
        }
        let name = match method {
            "tools/call" | "prompts/get" => params["name"].as_str().map(str::to_owned),
            "resources/read" => params["uri"].as_str().map(str::to_owned),
            "tasks/get" | "tasks/update" | "tasks/cancel" => params["taskId"].as_str().map(str::to_owned),
            _ => None,
        };
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = Self::new(address, Method::POST, "/mcp")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", MODERN)
            .header("mcp-method", method)
            .body(body.to_string());
        match name {
            Some(name) => request.header("mcp-name", &name),
            None => request,
        }
    }

    /// Sets a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers
            .insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    /// Adds a header beside what is there of the same name.
    pub(crate) fn and_header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers.append(name, value.parse().unwrap());
        self
    }

    /// Removes a header.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Changes the body, which is JSON.
    pub(crate) fn change(mut self, change: impl FnOnce(&mut Value)) -> Self {
        let mut body: Value = serde_json::from_slice(&self.body).unwrap();
        change(&mut body);
        self.body = body.to_string().into_bytes();
        self
    }

    /// Replaces text in the body.
    pub(crate) fn replace(mut self, from: &str, to: &str) -> Self {
        let body = String::from_utf8(self.body).unwrap();
        assert!(body.contains(from), "{from} is not in {body}");
        self.body = body.replace(from, to).into_bytes();
        self
    }

    /// Sends the request and reads the head of the response. Dropping what comes back closes the connection.
    pub(crate) async fn open(self) -> Open {
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build_http();
        let mut request = http::Request::new(Full::<Bytes>::from(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = format!("http://{}{}", self.address, self.path).parse().unwrap();
        *request.headers_mut() = self.headers;
        let response = soon("a response", client.request(request)).await.unwrap();
        Open::new(response.map(axum::body::Body::new))
    }

    /// Sends the request and reads the whole response.
    pub(crate) async fn send(self) -> Whole {
        self.open().await.whole().await
    }
}
