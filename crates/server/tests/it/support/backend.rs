//! An MCP server over HTTP that answers from closures, of either era or of both.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc};

use super::call::Said;
use super::state::{Seen, Speaks, State, lock};
use super::{Answer, Call, until};

/// Answers one method.
pub(super) type Handler = Arc<dyn Fn(Call) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

const MODERN: &str = "io.modelcontextprotocol/protocolVersion";

/// A running test backend.
pub(crate) struct Backend {
    url: String,
    state: Arc<State>,
}

/// A test backend that is not running yet.
pub(crate) struct Draft(State);

impl Backend {
    /// Of 2025-11-25, with sessions.
    pub(crate) fn legacy() -> Draft {
        Draft::new(Speaks::Legacy)
    }

    /// Of 2026-07-28.
    pub(crate) fn modern() -> Draft {
        Draft::new(Speaks::Modern)
    }

    /// Of both eras.
    pub(crate) fn both() -> Draft {
        Draft::new(Speaks::Both)
    }

    /// Its line of a configuration; `extra` holds more keys, such as `, protocol: legacy`.
    pub(crate) fn yaml(&self, name: &str, extra: &str) -> String {
        format!("  {name}: {{type: streamable-http, url: \"{}\"{extra}}}\n", self.url)
    }

    /// All that was received with this method.
    pub(crate) fn seen(&self, method: &str) -> Vec<Seen> {
        let seen = lock(&self.state.seen);
        seen.iter().filter(|one| one.method == method).cloned().collect()
    }

    /// The first message with this method, once it is there.
    pub(crate) async fn first(&self, method: &str) -> Seen {
        until(method, || !self.seen(method).is_empty()).await;
        self.seen(method).remove(0)
    }

    /// Says something on every standing stream.
    pub(crate) fn tell(&self, method: &str, params: Value) {
        let _ = self
            .state
            .standing
            .send(json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Asks something on every standing stream.
    pub(crate) fn ask_standing(&self, id: &str, method: &str) {
        let _ = self
            .state
            .standing
            .send(json!({"jsonrpc": "2.0", "id": id, "method": method}));
    }

    /// Waits until so many standing streams are open.
    pub(crate) async fn streams(&self, count: usize) {
        let enough = || self.state.streams.load(Ordering::SeqCst) >= count;
        until("standing streams", enough).await;
    }

    /// How many standing streams are open now.
    pub(crate) fn open_streams(&self) -> usize {
        let opened = self.state.streams.load(Ordering::SeqCst);
        opened - self.state.ended.load(Ordering::SeqCst)
    }

    /// Waits until so many standing streams have ended.
    pub(crate) async fn streams_ended(&self, count: usize) {
        let enough = || self.state.ended.load(Ordering::SeqCst) >= count;
        until("ended streams", enough).await;
    }

    /// How many calls were given up by the other side.
    pub(crate) fn given_up(&self) -> usize {
        self.state.given_up.load(Ordering::SeqCst)
    }

    /// Answers everything with 404 from now on, or no longer, and ends the standing streams.
    pub(crate) fn set_dead(&self, dead: bool) {
        self.state.dead.store(dead, Ordering::SeqCst);
        let _ = self.state.standing.send(Value::Null);
    }

    /// Replaces the list of tools.
    pub(crate) fn set_tools(&self, names: &[&str]) {
        let tools = names.iter().map(|name| tool(name)).collect();
        lock(&self.state.lists).insert("tools", tools);
    }
}

/// A tool that any client accepts.
fn tool(name: &str) -> Value {
    json!({"name": name, "inputSchema": {"type": "object"}})
}

impl Draft {
    fn new(speaks: Speaks) -> Self {
        Self(State {
            speaks,
            handlers: HashMap::new(),
            capabilities: json!({"tools": {}, "resources": {}, "prompts": {}}),
            instructions: None,
            lists: Mutex::default(),
            seen: Mutex::default(),
            asked: Mutex::default(),
            standing: broadcast::Sender::new(64),
            streams: AtomicUsize::new(0),
            sessions: AtomicU64::new(0),
            dead: AtomicBool::new(false),
            ended: AtomicUsize::new(0),
            given_up: AtomicUsize::new(0),
        })
    }

    /// Answers a method.
    pub(crate) fn on<F, T, A>(mut self, method: &str, handler: F) -> Self
    where
        F: Fn(Call) -> T + Send + Sync + 'static,
        T: Future<Output = A> + Send + 'static,
        A: Into<Answer>,
    {
        let handler = Arc::new(handler);
        let boxed: Handler = Arc::new(move |call| {
            let answering = handler(call);
            Box::pin(async move { answering.await.into() })
        });
        self.0.handlers.insert(method.to_owned(), boxed);
        self
    }

    /// Answers a method with always the same result.
    pub(crate) fn result(self, method: &str, result: Value) -> Self {
        self.on(method, move |_| {
            let result = result.clone();
            async move { result }
        })
    }

    /// Never answers a method.
    pub(crate) fn silent(self, method: &str) -> Self {
        self.on(method, |_| async { Answer::Silence })
    }

    /// Offers no stream to speak on outside calls.
    pub(crate) fn no_stream(self) -> Self {
        self.silent("GET")
    }

    /// Declares other capabilities than tools, resources and prompts.
    pub(crate) fn capabilities(mut self, capabilities: Value) -> Self {
        self.0.capabilities = capabilities;
        self
    }

    /// Gives instructions.
    pub(crate) fn instructions(mut self, text: &str) -> Self {
        self.0.instructions = Some(text.to_owned());
        self
    }

    /// Lists tools of these names.
    pub(crate) fn tools(self, names: &[&str]) -> Self {
        self.items("tools", names.iter().map(|name| tool(name)).collect())
    }

    /// Lists prompts of these names.
    pub(crate) fn prompts(self, names: &[&str]) -> Self {
        self.items("prompts", names.iter().map(|name| json!({"name": name})).collect())
    }

    /// Lists resources of these URIs.
    pub(crate) fn resources(self, uris: &[&str]) -> Self {
        let items = uris.iter().map(|uri| json!({"uri": uri, "name": uri})).collect();
        self.items("resources", items)
    }

    /// Lists templates.
    pub(crate) fn templates(self, texts: &[&str]) -> Self {
        let items = texts
            .iter()
            .map(|text| json!({"uriTemplate": text, "name": text}))
            .collect();
        self.items("resourceTemplates", items)
    }

    /// Lists items as they are.
    pub(crate) fn items(self, member: &'static str, items: Vec<Value>) -> Self {
        lock(&self.0.lists).insert(member, items);
        self
    }

    /// Begins to listen.
    pub(crate) async fn start(self) -> Backend {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/mcp", listener.local_addr().unwrap());
        let listener = listener.tap_io(|socket| socket.set_nodelay(true).unwrap());
        let state = Arc::new(self.0);
        let router = Router::new()
            .route("/mcp", axum::routing::any(receive))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Backend { url, state }
    }
}

async fn receive(Shared(state): Shared<Arc<State>>, method: Method, headers: HeaderMap, body: String) -> Response {
    let message: Value = serde_json::from_str(&body).unwrap_or_default();
    let name = match (message["method"].as_str(), method == Method::POST) {
        (Some(name), true) => name.to_owned(),
        (None, true) => "response".to_owned(),
        (_, false) => method.to_string(),
    };
    lock(&state.seen).push(Seen {
        method: name,
        message: message.clone(),
        text: body,
        headers: headers.clone(),
    });
    match method {
        _ if state.dead.load(Ordering::SeqCst) => StatusCode::NOT_FOUND.into_response(),
        Method::GET if state.speaks != Speaks::Modern && !state.handlers.contains_key("GET") => standing(&state, None),
        Method::POST => post(&state, &message, headers).await,
        Method::DELETE => StatusCode::NO_CONTENT.into_response(),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

async fn post(state: &Arc<State>, message: &Value, headers: HeaderMap) -> Response {
    let Some(method) = message["method"].as_str() else {
        let answered = message["id"].as_str().and_then(|id| lock(&state.asked).remove(id));
        if let Some(answered) = answered {
            let _ = answered.send(message.clone());
        }
        return StatusCode::ACCEPTED.into_response();
    };
    if message.get("id").is_none() {
        return StatusCode::ACCEPTED.into_response();
    }
    let is_modern = message["params"]["_meta"].get(MODERN).is_some();
    let foreign = if is_modern { Speaks::Legacy } else { Speaks::Modern };
    if state.speaks == foreign {
        let error = json!({"code": -32601, "message": "not of this era"});
        let body = json!({"jsonrpc": "2.0", "id": message["id"], "error": error});
        return (StatusCode::NOT_FOUND, Json(body)).into_response();
    }
    if method == "subscriptions/listen" && !state.handlers.contains_key(method) {
        return standing(state, Some(message));
    }
    let mut response = answer(state, message, headers, is_modern).await;
    if method == "initialize" {
        let number = state.sessions.fetch_add(1, Ordering::SeqCst) + 1;
        let session = format!("backend-session-{number}").parse().unwrap();
        response.headers_mut().insert("mcp-session-id", session);
    }
    response
}

/// The response to a request: JSON, or a stream if something comes before it.
async fn answer(state: &Arc<State>, message: &Value, headers: HeaderMap, modern: bool) -> Response {
    let method = message["method"].as_str().unwrap_or_default();
    let (out, mut said) = mpsc::unbounded_channel();
    let call = Call {
        id: message["id"].clone(),
        params: message["params"].clone(),
        headers,
        out,
        state: Arc::clone(state),
    };
    match state.handlers.get(method).cloned() {
        None => call.finish(usual(state, method, modern, &call.params)),
        Some(handler) => {
            let call = call.clone();
            tokio::spawn(async move {
                match handler(call.clone()).await {
                    Answer::Silence => {
                        call.gone().await;
                        call.state.given_up.fetch_add(1, Ordering::SeqCst);
                    }
                    answer => call.finish(answer),
                }
            });
        }
    }
    drop(call);
    match said.recv().await {
        Some(Said::Last(text)) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        Some(Said::Before(first)) => stream(first, said),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn stream(first: String, mut said: mpsc::UnboundedReceiver<Said>) -> Response {
    let events = async_stream::stream! {
        yield Ok::<_, std::convert::Infallible>(format!("data: {first}\n\n"));
        while let Some(Said::Before(text) | Said::Last(text)) = said.recv().await {
            yield Ok(format!("data: {text}\n\n"));
        }
    };
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

/// A GET stream, or the response to `subscriptions/listen`.
fn standing(state: &Arc<State>, listen: Option<&Value>) -> Response {
    let mut messages = state.standing.subscribe();
    state.streams.fetch_add(1, Ordering::SeqCst);
    let ending = Ending(Arc::clone(state));
    let subscription = listen.map(|request| request["id"].clone());
    let granted = listen.map(|request| request["params"]["notifications"].clone());
    let events = async_stream::stream! {
        let _ending = ending;
        let acknowledged = granted.map(|granted| json!({
            "jsonrpc": "2.0",
            "method": "notifications/subscriptions/acknowledged",
            "params": {"notifications": granted},
        }));
        if let Some(mut message) = acknowledged {
            mark(&mut message, subscription.as_ref());
            yield Ok::<_, std::convert::Infallible>(format!("data: {message}\n\n"));
        }
        while let Ok(mut message) = messages.recv().await && !message.is_null() {
            mark(&mut message, subscription.as_ref());
            yield Ok(format!("data: {message}\n\n"));
        }
    };
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(events)).into_response()
}

/// Counts a stream that ended.
struct Ending(Arc<State>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

fn mark(message: &mut Value, subscription: Option<&Value>) {
    if let Some(id) = subscription {
        message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] = id.clone();
    }
}

/// What a backend answers to a method that the test says nothing about.
fn usual(state: &State, method: &str, modern: bool, params: &Value) -> Answer {
    let list = |member: &'static str| {
        let mut result = json!({ member: state.list(member) });
        if modern {
            result["resultType"] = "complete".into();
            result["ttlMs"] = 0.into();
            result["cacheScope"] = "private".into();
        }
        result.into()
    };
    match method {
        "initialize" | "server/discover" => hello(state, modern, params).into(),
        "tools/list" => list("tools"),
        "resources/list" => list("resources"),
        "resources/templates/list" => list("resourceTemplates"),
        "prompts/list" => list("prompts"),
        _ => Answer::error(-32601, "the test backend does not know this method"),
    }
}

fn hello(state: &State, modern: bool, params: &Value) -> Value {
    let mut result = json!({"capabilities": state.capabilities});
    if modern {
        result["resultType"] = "complete".into();
        result["supportedVersions"] = json!(["2026-07-28"]);
    } else {
        result["protocolVersion"] = params["protocolVersion"].clone();
        result["serverInfo"] = json!({"name": "test backend", "version": "1"});
    }
    if let Some(text) = &state.instructions {
        result["instructions"] = text.clone().into();
    }
    result
}
