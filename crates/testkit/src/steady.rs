//! A client that keeps its connection, for tests with very many requests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use it, and a test may fail at any place"
)]

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

/// One connection to a gateway. Requests follow each other.
#[derive(Debug)]
pub struct Steady {
    sender: SendRequest<Full<Bytes>>,
    session: Option<String>,
}

impl Steady {
    /// Connects.
    pub async fn connect(port: u16) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(socket)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, session: None }
    }

    /// Opens a legacy session.
    pub async fn open_session(&mut self) {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{LEGACY}","capabilities":{{}},"clientInfo":{{"name":"steady","version":"1"}}}}}}"#
        );
        let (headers, _) = self.exchange(Method::POST, HeaderMap::new(), body).await;
        self.session = Some(headers["mcp-session-id"].to_str().unwrap().to_owned());
    }

    /// Ends the session.
    pub async fn close_session(&mut self) {
        let headers = self.session_headers();
        self.exchange(Method::DELETE, headers, String::new()).await;
        self.session = None;
    }

    /// Calls a tool, in the session if there is one, else as a modern client; gives the answer.
    pub async fn call_tool(&mut self, name: &str, arguments: &str) -> String {
        if self.session.is_some() {
            let body = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments}}}}}"#
            );
            let headers = self.session_headers();
            return self.exchange(Method::POST, headers, body).await.1;
        }
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments},"_meta":{{"io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
        );
        let mut headers = HeaderMap::new();
        headers.insert("mcp-protocol-version", MODERN.parse().unwrap());
        headers.insert("mcp-method", "tools/call".parse().unwrap());
        headers.insert("mcp-name", name.parse().unwrap());
        self.exchange(Method::POST, headers, body).await.1
    }

    fn session_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("mcp-session-id", self.session.as_deref().unwrap().parse().unwrap());
        headers.insert("mcp-protocol-version", LEGACY.parse().unwrap());
        headers
    }

    async fn exchange(&mut self, method: Method, mut headers: HeaderMap, body: String) -> (HeaderMap, String) {
        headers.insert(HOST, "localhost".parse().unwrap());
        headers.insert(ACCEPT, "application/json, text/event-stream".parse().unwrap());
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = "/mcp".parse().unwrap();
        *request.headers_mut() = headers;
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            matches!(status, StatusCode::OK | StatusCode::NO_CONTENT),
            "{status}: {body}"
        );
        (headers, body)
    }
}
