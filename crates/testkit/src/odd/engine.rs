//! Follows the script, one message at a time; all messages at once.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::arguments::Era;
use super::fill::Fill;
use super::out::{Out, Way};
use super::script::{Script, Step};
use crate::raw::Envelope;
use crate::{Journal, part};

/// A server that follows a script.
#[derive(Debug)]
pub(crate) struct Engine {
    script: Script,
    era: Era,
    journal: Option<Journal>,
    turn: AtomicUsize,
    count: AtomicUsize,
    asks: Mutex<Asks>,
    /// Whoever hears what is said outside calls.
    feeds: Mutex<Vec<Way>>,
    /// Whether all HTTP sessions are to be forgotten.
    pub(crate) forget: AtomicBool,
}

/// Questions that wait for their answer.
#[derive(Debug, Default)]
struct Asks {
    last: usize,
    open: HashMap<String, oneshot::Sender<String>>,
}

impl Engine {
    pub(crate) fn new(script: Script, era: Era, journal: Option<Journal>) -> Self {
        Self {
            script,
            era,
            journal,
            turn: AtomicUsize::new(0),
            count: AtomicUsize::new(0),
            asks: Mutex::default(),
            feeds: Mutex::default(),
            forget: AtomicBool::new(false),
        }
    }

    pub(crate) fn note(&self, what: &str, text: &str) {
        self.note_with(what, text, &http::HeaderMap::new());
    }

    pub(crate) fn note_with(&self, what: &str, text: &str, headers: &http::HeaderMap) {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        if let Some(journal) = &self.journal {
            // A test that misses the entry says so.
            let _ = journal.add(what, text, headers.collect());
        }
    }

    /// Adds one who hears what is said outside calls.
    pub(crate) fn feed(&self, way: Way) {
        lock(&self.feeds).push(way);
    }

    /// Takes a message. What is to be said goes to `way`; whoever listens there may be gone.
    pub(crate) async fn take(self: &Arc<Self>, message: Envelope, way: Way) {
        if message.is_answer() {
            let answer = message
                .result
                .or(message.error)
                .map_or(String::new(), |raw| raw.get().to_owned());
            let waiting = message.id.and_then(|id| lock(&self.asks).open.remove(id.get()));
            if let Some(waiting) = waiting {
                let _ = waiting.send(answer);
            }
            return;
        }
        let Some(method) = message.method.clone() else { return };
        let mut fill = self.fill(&message);
        let keys = keys_of(&message);
        let turn = self.turn.load(Ordering::SeqCst);
        let steps = match self.script.steps(&keys, turn) {
            Some(steps) => steps.to_vec(),
            None => match self.by_itself(&method, message.params()) {
                Some(result) => {
                    let result = result.map_or_else(
                        |error| answer(&fill.id, "error", &error),
                        |result| answer(&fill.id, "result", &result),
                    );
                    if message.id.is_some() {
                        let _ = way.send(Out::Answer(result));
                    }
                    return;
                }
                None => match self.script.otherwise() {
                    Some(steps) => steps.to_vec(),
                    None if message.id.is_some() => {
                        let error = json!({"code": -32601, "message": format!("Method not found: {method}")});
                        let _ = way.send(Out::Answer(answer(&fill.id, "error", &error.to_string())));
                        return;
                    }
                    None => return,
                },
            },
        };
        for step in &steps {
            self.follow(step, &mut fill, &way).await;
        }
        // A request that the script leaves unanswered stays open.
        if message.id.is_some() && !steps.iter().any(Step::answers) {
            way.closed().await;
        }
    }

    /// The status that the script has for this message.
    pub(crate) fn status_of(&self, message: &Envelope) -> Option<u16> {
        let turn = self.turn.load(Ordering::SeqCst);
        let steps = self.script.steps(&keys_of(message), turn)?;
        steps.iter().find_map(|step| step.status)
    }

    fn fill(&self, message: &Envelope) -> Fill {
        let params = message.params().unwrap_or_default().to_owned();
        let meta = part(&params, "_meta").unwrap_or_default();
        Fill {
            id: message.id().unwrap_or_default().to_owned(),
            token: part(&meta, "progressToken").unwrap_or_default(),
            arguments: part(&params, "arguments").unwrap_or_default(),
            notifications: part(&params, "notifications").unwrap_or_default(),
            params,
            answer: String::new(),
            count: self.count.fetch_add(1, Ordering::SeqCst),
        }
    }

    async fn follow(self: &Arc<Self>, step: &Step, fill: &mut Fill, way: &Way) {
        let params = step.params.as_deref().map(|raw| fill.apply(raw.get()));
        let say = |out| {
            let _ = way.send(out);
        };
        if let Some(result) = &step.result {
            say(Out::Answer(answer(&fill.id, "result", &fill.apply(result.get()))));
        }
        if let Some(error) = &step.error {
            say(Out::Answer(answer(&fill.id, "error", &fill.apply(error.get()))));
        }
        if let Some(method) = &step.notify {
            say(Out::Line(call(None, method, params.as_deref())));
        }
        if let Some(method) = &step.feed {
            self.tell_feeds(&call(None, method, params.as_deref()));
        }
        if let Some(method) = &step.ask {
            let (id, answered) = self.open_ask();
            say(Out::Line(call(Some(&id), method, params.as_deref())));
            fill.answer = answered.await.unwrap_or_default();
        }
        if let Some(methods) = &step.ask_all {
            let asked: Vec<_> = methods.iter().map(|method| (method, self.open_ask())).collect();
            // In one piece: whatever holds this process up, it does not come between them.
            let question = |(method, (id, _)): &(&String, (String, _))| call(Some(id), method, params.as_deref());
            say(Out::Lines(asked.iter().map(question).collect()));
            let mut answers = Vec::new();
            for (_, (_, answered)) in asked {
                answers.push(answered.await.unwrap_or_default());
            }
            fill.answer = format!("[{}]", answers.join(","));
        }
        if let Some(method) = &step.ask_aside {
            let (id, _) = self.open_ask();
            self.tell_feeds(&call(Some(&id), method, params.as_deref()));
        }
        if let Some(line) = &step.line {
            say(Out::Line(fill.apply(line)));
        }
        if let Some(line) = &step.stderr {
            let _ = writeln!(std::io::stderr(), "{line}");
        }
        if let Some(size) = step.big {
            let result = format!(r#"{{"content":[{{"type":"text","text":"{}"}}]}}"#, "x".repeat(size));
            say(Out::Answer(answer(&fill.id, "result", &result)));
        }
        if let Some(size) = step.flood {
            for _ in 0..size.div_ceil(1 << 20) {
                say(Out::Bytes(vec![b'x'; size.min(1 << 20)]));
            }
        }
        if let Some(text) = &step.bytes {
            say(Out::Bytes(text.clone().into_bytes()));
        }
        if let Some(millis) = step.sleep {
            tokio::time::sleep(Duration::from_millis(millis)).await;
        }
        if let Some(file) = &step.gate {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        if step.turn {
            self.turn.fetch_add(1, Ordering::SeqCst);
        }
        if step.forget {
            self.forget.store(true, Ordering::SeqCst);
        }
        if step.close {
            say(Out::Close);
        }
        if let Some(code) = step.exit {
            say(Out::Exit(code));
        }
        if let Some(status) = step.status {
            say(Out::Status(status));
        }
        if let Some(kind) = &step.content_type {
            say(Out::Type(kind.clone()));
        }
    }

    fn tell_feeds(&self, message: &str) {
        lock(&self.feeds).retain(|way| way.send(Out::Line(message.to_owned())).is_ok());
    }

    fn open_ask(&self) -> (String, oneshot::Receiver<String>) {
        let mut asks = lock(&self.asks);
        asks.last += 1;
        // The client's own ids are numbers: a string shows that the type is kept.
        let id = format!("\"ask-{}\"", asks.last);
        let (sender, receiver) = oneshot::channel();
        asks.open.insert(id.clone(), sender);
        (id, receiver)
    }

    /// What a server answers that does not say otherwise.
    fn by_itself(&self, method: &str, params: Option<&str>) -> Option<Result<String, String>> {
        let refuse = |code: i32, text: &str, data: Value| {
            Some(Err(json!({"code": code, "message": text, "data": data}).to_string()))
        };
        let accept = |result: Value| Some(Ok(result.to_string()));
        let modern = self.era.is_modern();
        let capabilities = json!({"tools": {"listChanged": true}});
        match method {
            "initialize" if !self.era.is_legacy() => {
                let data = json!({"supported": ["2026-07-28"], "requested": "2025-11-25"});
                refuse(-32022, "Unsupported protocol version", data)
            }
            "initialize" => {
                let version = params.and_then(|params| part(params, "protocolVersion"));
                let version: Value = serde_json::from_str(&version.unwrap_or_default()).unwrap_or_default();
                let info = json!({"name": "argus-odd", "version": "1"});
                accept(json!({"protocolVersion": version, "capabilities": capabilities, "serverInfo": info}))
            }
            "server/discover" if modern => accept(json!({
                "resultType": "complete",
                "supportedVersions": ["2026-07-28"],
                "capabilities": {"tools": {}},
                "ttlMs": 0,
                "cacheScope": "public",
            })),
            "ping" => accept(json!({})),
            "tools/list" => accept(json!({"tools": self.tools()})),
            _ => None,
        }
    }

    fn tools(&self) -> Vec<Value> {
        let names = self.script.names("tools/call");
        let tool = |name| json!({"name": name, "inputSchema": {"type": "object"}});
        names.into_iter().map(tool).collect()
    }
}

impl Step {
    fn answers(&self) -> bool {
        self.result.is_some()
            || self.error.is_some()
            || self.big.is_some()
            || self.status.is_some()
            || self.line.as_ref().is_some_and(|line| line.contains("\"@id\""))
    }
}

/// The keys of a script that fit a message, the best one first.
fn keys_of(message: &Envelope) -> Vec<String> {
    type Members = HashMap<String, Box<RawValue>>;
    let Some(method) = &message.method else {
        return Vec::new();
    };
    let params: Members = message
        .params()
        .and_then(|params| serde_json::from_str(params).ok())
        .unwrap_or_default();
    let text = |member: &str| serde_json::from_str::<String>(params.get(member)?.get()).ok();
    let wanted = || {
        let filter: Value = serde_json::from_str(params.get("notifications")?.get()).ok()?;
        Some(filter["resourceSubscriptions"][0].as_str()?.to_owned())
    };
    let name = ["name", "uri", "cursor", "taskId"]
        .into_iter()
        .find_map(text)
        .or_else(wanted);
    let mut keys = Vec::new();
    if let Some(name) = name {
        if params.contains_key("inputResponses") {
            keys.push(format!("{method} {name}+"));
        }
        keys.push(format!("{method} {name}"));
    }
    keys.push(method.clone());
    let meta = params.get("_meta").map_or("", |meta| meta.get());
    if part(meta, "io.modelcontextprotocol/protocolVersion").is_some() {
        keys = keys
            .iter()
            .map(|key| format!("modern:{key}"))
            .chain(keys.clone())
            .collect();
    }
    keys
}

fn answer(id: &str, member: &str, payload: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"{member}":{payload}}}"#)
}

fn call(id: Option<&str>, method: &str, params: Option<&str>) -> String {
    let id = id.map_or(String::new(), |id| format!(r#""id":{id},"#));
    let params = params.map_or(String::new(), |params| format!(r#","params":{params}"#));
    format!(r#"{{"jsonrpc":"2.0",{id}"method":"{method}"{params}}}"#)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
