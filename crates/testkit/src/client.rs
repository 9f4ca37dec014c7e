//! A client that shows every byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use it, and a test may fail at any place"
)]

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use crate::part;

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";
/// No answer takes longer in a test.
const LIMIT: Duration = Duration::from_secs(30);

/// A client of a gateway. Each request has a connection of its own.
#[derive(Debug)]
pub struct Client {
    port: u16,
    /// Where it connects from, if not from where everybody does.
    from: Option<IpAddr>,
    session: Option<String>,
    version: String,
    capabilities: String,
    last: AtomicU64,
}

impl Client {
    /// A legacy client that has opened its session. `capabilities` is a JSON object.
    pub async fn legacy(port: u16, capabilities: &str) -> Self {
        Self::legacy_of(port, LEGACY, capabilities).await
    }

    /// The same for another revision.
    pub async fn legacy_of(port: u16, version: &str, capabilities: &str) -> Self {
        let mut client = Self::new(port, version, capabilities);
        let params = format!(
            r#"{{"protocolVersion":"{version}","capabilities":{capabilities},"clientInfo":{{"name":"raw","version":"1"}}}}"#
        );
        let opened = client.open("initialize", &params).await;
        let session = opened
            .headers
            .get("mcp-session-id")
            .expect("no session")
            .to_str()
            .unwrap();
        client.session = Some(session.to_owned());
        let status = client
            .send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .await;
        assert_eq!(status, 202);
        client
    }

    /// A modern client; it has no session.
    #[must_use]
    pub fn modern(port: u16, capabilities: &str) -> Self {
        Self::new(port, MODERN, capabilities)
    }

    /// The same client at another address of this machine: another caller.
    #[must_use]
    pub fn at(mut self, address: IpAddr) -> Self {
        self.from = Some(address);
        self
    }

    /// The same client, whose gateway has another port now.
    #[must_use]
    pub fn moved(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// A legacy client that names this session, whoever opened it.
    #[must_use]
    pub fn with_session(port: u16, session: &str) -> Self {
        let mut client = Self::new(port, LEGACY, "{}");
        client.session = Some(session.to_owned());
        client
    }

    /// The id of its session.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn session(&self) -> &str {
        self.session.as_deref().expect("no session")
    }

    /// A client that has said nothing yet.
    pub(crate) fn new(port: u16, version: &str, capabilities: &str) -> Self {
        Self {
            port,
            from: None,
            session: None,
            version: version.to_owned(),
            capabilities: capabilities.to_owned(),
            last: AtomicU64::new(0),
        }
    }

    fn is_modern(&self) -> bool {
        self.version == MODERN
    }

    /// Sends a request and waits for its answer: the whole message.
    pub async fn call(&self, method: &str, params: &str) -> String {
        self.open(method, params).await.answer().await
    }

    /// The result of a request that works, as it was written.
    pub async fn result(&self, method: &str, params: &str) -> String {
        let message = self.call(method, params).await;
        part(&message, "result").unwrap_or_else(|| panic!("{method} fails: {message}"))
    }

    /// The error object of a request that does not.
    pub async fn error(&self, method: &str, params: &str) -> String {
        let message = self.call(method, params).await;
        part(&message, "error").unwrap_or_else(|| panic!("{method} works: {message}"))
    }

    /// Sends a request; `params` is a JSON object, into which a modern client puts its `_meta`.
    pub async fn open(&self, method: &str, params: &str) -> Exchange {
        self.open_with(method, params, HeaderMap::new()).await
    }

    /// The same with more headers.
    pub async fn open_with(&self, method: &str, params: &str, mut headers: HeaderMap) -> Exchange {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut params = params.to_owned();
        if self.is_modern() {
            headers.insert("mcp-method", method.parse().unwrap());
            let name = ["name", "uri", "taskId"]
                .iter()
                .find_map(|member| part(&params, member));
            if let Some(name) = name.and_then(|name| serde_json::from_str::<String>(&name).ok()) {
                headers.insert("mcp-name", name.parse().unwrap());
            }
            params = self.with_meta(&params);
        }
        let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        self.request(Method::POST, headers, body).await
    }

    fn with_meta(&self, params: &str) -> String {
        let mut own = format!(
            r#""io.modelcontextprotocol/protocolVersion":"{MODERN}","io.modelcontextprotocol/clientCapabilities":{}"#,
            self.capabilities
        );
        if !params.contains("io.modelcontextprotocol/logLevel") {
            own.push_str(r#","io.modelcontextprotocol/logLevel":"debug""#);
        }
        if let Some(meta) = part(params, "_meta") {
            let inner = meta.trim_start().strip_prefix('{').unwrap();
            let comma = if inner.trim() == "}" { "" } else { "," };
            return params.replace(&meta, &format!("{{{own}{comma}{inner}"));
        }
        let inner = params.trim_end().strip_suffix('}').unwrap();
        let comma = if inner.trim() == "{" { "" } else { "," };
        format!(r#"{inner}{comma}"_meta":{{{own}}}}}"#)
    }

    /// Sends any text as a message, and gives the status of the answer.
    pub async fn send(&self, message: &str) -> u16 {
        self.request(Method::POST, HeaderMap::new(), message.to_owned())
            .await
            .status
    }

    /// Posts a message that the caller wrote whole, with these headers and those of every message.
    pub async fn post(&self, headers: HeaderMap, message: &str) -> Exchange {
        self.request(Method::POST, headers, message.to_owned()).await
    }

    /// Opens the stream for what belongs to no request.
    pub async fn listen(&self) -> Exchange {
        self.request(Method::GET, HeaderMap::new(), String::new()).await
    }

    /// Ends the session.
    pub async fn end(&self) -> u16 {
        self.request(Method::DELETE, HeaderMap::new(), String::new())
            .await
            .status
    }

    /// The body of a plain GET.
    pub async fn page(&self, path: &str) -> String {
        let request = self.make(Method::GET, path, HeaderMap::new(), String::new());
        let (response, _connection) = self.exchange(request).await;
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    /// Posts a body to another path; gives status and body of the answer.
    pub async fn post_to(&self, path: &str, body: &str) -> (u16, String) {
        let request = self.make(Method::POST, path, HeaderMap::new(), body.to_owned());
        let (response, _connection) = self.exchange(request).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn request(&self, method: Method, headers: HeaderMap, body: String) -> Exchange {
        self.request_at("/mcp", method, headers, body).await
    }

    /// A request to another path.
    pub(crate) async fn request_at(&self, path: &str, method: Method, headers: HeaderMap, body: String) -> Exchange {
        let request = self.make(method, path, headers, body);
        let (response, connection) = self.exchange(request).await;
        let (parts, body) = response.into_parts();
        let kind = parts
            .headers
            .get(CONTENT_TYPE)
            .map(|value| value.to_str().unwrap().to_owned());
        Exchange {
            status: parts.status.as_u16(),
            headers: parts.headers,
            streams: kind.as_deref() == Some("text/event-stream"),
            body,
            read: Vec::new(),
            searched: 0,
            over: false,
            _connection: connection,
        }
    }

    fn make(&self, method: Method, path: &str, mut headers: HeaderMap, body: String) -> Request<Full<Bytes>> {
        headers.insert(HOST, format!("127.0.0.1:{}", self.port).parse().unwrap());
        headers.insert(ACCEPT, "application/json, text/event-stream".parse().unwrap());
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        headers.insert("mcp-protocol-version", self.version.parse().unwrap());
        if let Some(session) = &self.session {
            headers.insert("mcp-session-id", session.parse().unwrap());
        }
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        *request.headers_mut() = headers;
        request
    }

    async fn connect(&self) -> std::io::Result<TcpStream> {
        let Some(from) = self.from else {
            return TcpStream::connect(("127.0.0.1", self.port)).await;
        };
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from, 0))?;
        socket.connect((Ipv4Addr::LOCALHOST, self.port).into()).await
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> (Response<Incoming>, Connection) {
        let socket = self.connect().await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket))
            .await
            .unwrap();
        let connection = Connection(tokio::spawn(async move {
            // A connection that breaks shows in what is read from it.
            let _ = connection.await;
        }));
        let response = tokio::time::timeout(LIMIT, sender.send_request(request))
            .await
            .expect("no answer")
            .unwrap();
        (response, connection)
    }
}

/// A connection that is closed when the value is dropped.
#[derive(Debug)]
struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// An answer as it comes. Dropped, it closes its connection.
#[derive(Debug)]
pub struct Exchange {
    /// The HTTP status.
    pub status: u16,
    /// The HTTP headers.
    pub headers: HeaderMap,
    /// Whether it is an event stream.
    pub streams: bool,
    body: Incoming,
    read: Vec<u8>,
    /// How much of `read` holds no end of an event.
    searched: usize,
    over: bool,
    _connection: Connection,
}

impl Exchange {
    /// The next message, byte by byte; `None` at the end. A body that is no stream is one message.
    pub async fn next(&mut self) -> Option<String> {
        tokio::time::timeout(LIMIT, self.next_message()).await.expect("silence")
    }

    /// The next message, if it comes in time.
    pub async fn next_within(&mut self, limit: Duration) -> Option<String> {
        tokio::time::timeout(limit, self.next_message()).await.ok().flatten()
    }

    async fn next_message(&mut self) -> Option<String> {
        loop {
            while let Some(event) = self.event() {
                if let Some(message) = data(&event) {
                    return Some(message);
                }
            }
            if self.over {
                return None;
            }
            match self.body.frame().await {
                Some(frame) => {
                    let chunk = frame.expect("the answer breaks off").into_data().unwrap_or_default();
                    self.read.extend_from_slice(&chunk);
                }
                None => {
                    self.over = true;
                    if !self.streams && !self.read.is_empty() {
                        return Some(text(std::mem::take(&mut self.read)));
                    }
                }
            }
        }
    }

    /// The next whole event of what was read.
    fn event(&mut self) -> Option<String> {
        if !self.streams {
            return None;
        }
        let found = self.read[self.searched..].windows(2).position(|pair| pair == b"\n\n");
        let Some(found) = found else {
            self.searched = self.read.len().saturating_sub(1);
            return None;
        };
        let rest = self.read.split_off(self.searched + found + 2);
        self.searched = 0;
        Some(text(std::mem::replace(&mut self.read, rest)))
    }

    /// All messages to the end.
    pub async fn all(mut self) -> Vec<String> {
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            messages.push(message);
        }
        messages
    }

    /// The last message.
    pub async fn answer(self) -> String {
        let status = self.status;
        self.all()
            .await
            .pop()
            .unwrap_or_else(|| panic!("no answer but the status {status}"))
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("not UTF-8")
}

/// The data of an event, lines joined; `None` for one without, or with an empty one.
fn data(event: &str) -> Option<String> {
    let mut joined = String::new();
    let mut any = false;
    for line in event.split('\n') {
        if let Some(value) = line.strip_prefix("data: ") {
            if any {
                joined.push('\n');
            }
            any = true;
            let _ = write!(joined, "{value}");
        }
    }
    (!joined.is_empty()).then_some(joined)
}
