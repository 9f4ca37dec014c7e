//! How a client's messages get to the gateway and back, for every transport.

mod http;
mod line;
mod lines;

use serde_json::Value;

use crate::kinds::Era;

pub(crate) use http::Http;
pub(crate) type Sse = line::Sorted<lines::AtSse>;
pub(crate) type Stdio = line::Sorted<lines::Own>;
pub(crate) type Relay = line::Sorted<lines::Relayed>;

pub(crate) const ARGUS: &str = env!("CARGO_BIN_EXE_argus-mcp");
/// What every client can be asked.
pub(crate) const DECLARED: &str = r#"{"elicitation":{},"sampling":{}}"#;
pub(crate) const MODERN: &str = "2026-07-28";

/// What a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of<'a> {
    /// The request with this id, as JSON.
    Request(&'a str),
    /// None.
    Nothing,
}

/// The transport of a client, with the gateway at its other end.
pub(crate) trait Wire: Sized {
    /// Starts a gateway, or whatever serves the client, and opens a connection; a legacy one with a session. The
    /// transports have legacy clients of different revisions.
    async fn open(config: &Value, era: Era) -> Self;

    /// Sends a request. `name` is what it is about.
    async fn request(&mut self, id: &str, method: &str, name: Option<&str>, message: &str);

    /// Sends a notification, or the answer to a question.
    async fn send(&mut self, message: &str);

    /// The next message that belongs to this; `None` when there will be none.
    async fn next(&mut self, of: Of<'_>) -> Option<String>;

    /// Cancels a request of a modern client.
    async fn leave(&mut self, id: &str);

    /// Whether there is an answer to a request, which is not waited for where that could be in vain.
    async fn has_answer(&mut self, id: &str) -> bool;

    /// The status of the answer to a request, where there are any.
    fn status(&self, id: &str) -> Option<u16>;

    /// Goes, and stops what was started. It must end well.
    async fn close(self);
}
