//! What comes back: a stream of messages, or one.

use std::fmt::Write;

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

use super::soon;

/// A response whose body is still coming. Dropped, it closes the connection.
pub(crate) struct Open {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Body,
    received: String,
    last_id: Option<String>,
}

/// A response that is complete.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Open {
    pub(super) fn new(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            body,
            received: String::new(),
            last_id: None,
        }
    }

    /// The id of the newest event that had one.
    pub(crate) fn last_id(&self) -> &str {
        self.last_id.as_deref().expect("no event had an id")
    }

    /// The next event, whatever it holds; `None` at the end.
    async fn event(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.received.split_once("\n\n") {
                let event = event.to_owned();
                self.received = rest.to_owned();
                if let Some(id) = event.lines().find_map(|line| line.strip_prefix("id: ")) {
                    self.last_id = Some(id.to_owned());
                }
                return Some(event);
            }
            let chunk = soon("the next event", self.chunk()).await?;
            self.received.push_str(&chunk);
        }
    }

    /// The id that the stream begins with.
    pub(crate) async fn primed(&mut self) -> String {
        let event = self.event().await.expect("the stream ended");
        assert_eq!(message_of(&event), None, "{event}");
        self.last_id().to_owned()
    }

    /// The next comment of the event stream.
    pub(crate) async fn comment(&mut self) -> String {
        loop {
            let event = self.event().await.expect("the stream ended");
            if event.starts_with(':') {
                return event;
            }
        }
    }

    /// The next message of the event stream; `None` at its end.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        assert_eq!(self.headers[CONTENT_TYPE], "text/event-stream");
        loop {
            let event = self.event().await?;
            if let Some(message) = message_of(&event) {
                return Some(message);
            }
        }
    }

    /// Type and data of the next event that has both; `None` at the end.
    pub(crate) async fn typed(&mut self) -> Option<(String, String)> {
        loop {
            let event = self.event().await?;
            let field = |name: &str| {
                event
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::to_owned)
            };
            if let (Some(name), Some(data)) = (field("event: "), field("data: ")) {
                return Some((name, data));
            }
        }
    }

    /// The next message, which must be there.
    pub(crate) async fn message(&mut self) -> Value {
        self.next().await.expect("the stream ended")
    }

    /// The next message with this method.
    pub(crate) async fn notification(&mut self, method: &str) -> Value {
        loop {
            let message = self.message().await;
            if message["method"] == method {
                return message;
            }
        }
    }

    async fn chunk(&mut self) -> Option<String> {
        loop {
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                return Some(String::from_utf8(data.to_vec()).unwrap());
            }
        }
    }

    /// Reads to the end.
    pub(crate) async fn whole(mut self) -> Whole {
        let mut body = std::mem::take(&mut self.received);
        while let Some(chunk) = soon("the end of the response", self.chunk()).await {
            body.push_str(&chunk);
        }
        Whole {
            status: self.status,
            headers: self.headers,
            body,
        }
    }
}

/// The message of an event; `None` for a comment, and for an event without data.
fn message_of(event: &str) -> Option<Value> {
    let lines: Vec<&str> = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
    (!lines.concat().is_empty()).then(|| serde_json::from_str(&lines.join("\n")).unwrap())
}

impl Whole {
    /// The only message: of a JSON body, or of an event stream.
    pub(crate) fn message(&self) -> Value {
        let mut messages = self.messages();
        assert_eq!(messages.len(), 1, "{self:?}");
        messages.remove(0)
    }

    /// All messages, in order.
    pub(crate) fn messages(&self) -> Vec<Value> {
        if self.is_stream() {
            return self.body.split_terminator("\n\n").filter_map(message_of).collect();
        }
        match serde_json::from_str(&self.body) {
            Ok(Value::Array(messages)) => messages,
            Ok(message) => vec![message],
            Err(error) => panic!("{error} in {self:?}"),
        }
    }

    /// The result of the last message.
    pub(crate) fn result(&self) -> Value {
        let last = self.messages().pop().unwrap();
        assert!(last.get("result").is_some(), "{self:?}");
        last["result"].clone()
    }

    /// The code of the error.
    pub(crate) fn code(&self) -> i64 {
        let last = self.messages().pop().unwrap();
        last["error"]["code"].as_i64().unwrap_or_else(|| panic!("{self:?}"))
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind == "text/event-stream")
    }

    /// Status, headers and body for a snapshot, without what differs from run to run.
    pub(crate) fn shown(&self) -> String {
        let mut shown = format!("{}\n", self.status);
        for (name, value) in &self.headers {
            let value = match name.as_str() {
                "date" | "content-length" | "transfer-encoding" | "vary" | "access-control-expose-headers" => continue,
                "mcp-session-id" => "[session]",
                _ => value.to_str().unwrap(),
            };
            writeln!(shown, "{name}: {value}").unwrap();
        }
        let body = self.body.replace(env!("CARGO_PKG_VERSION"), "[version]");
        write!(shown, "\n{}", body.trim_end()).unwrap();
        shown
    }
}
