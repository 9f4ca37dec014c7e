//! The way out: every message to the client goes through one queue, written line by line.

use serde_json::{Value, json};
use tokio::io::{AsyncWrite, AsyncWriteExt, BufWriter};
use tokio::sync::mpsc;

/// How many messages may wait for a slow client before their senders wait too.
const QUEUE: usize = 256;

/// A handle to send messages with.
#[derive(Clone)]
pub(crate) struct Outbox(mpsc::Sender<Value>);

/// The other end of an [`Outbox`].
pub(crate) type Outgoing = mpsc::Receiver<Value>;

impl Outbox {
    /// A new queue: where to put messages, and where they come out.
    pub(crate) fn new() -> (Self, Outgoing) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        (Self(sender), receiver)
    }

    /// Sends a message. When nobody reads any more the connection is ending, and the message has no reader.
    pub(crate) async fn send(&self, message: Value) {
        let _ = self.0.send(message).await;
    }

    /// Sends a message if the queue has room now; for places that cannot wait.
    pub(crate) fn send_now(&self, message: Value) {
        let _ = self.0.try_send(message);
    }

    /// Waits for room for one message, to be sent at a moment of the holder's choice; `None` when nobody reads.
    pub(crate) async fn reserve(&self) -> Option<mpsc::Permit<'_, Value>> {
        self.0.reserve().await.ok()
    }

    /// Sends a notification.
    pub(crate) async fn notify(&self, method: &str, params: Value) {
        self.send(notification(method, params)).await;
    }
}

/// A notification as it goes over the wire.
pub(crate) fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

/// Writes messages as lines until every [`Outbox`] of the queue is gone; flushes whenever the queue runs empty.
pub(crate) async fn write_lines(mut outgoing: Outgoing, output: impl AsyncWrite + Unpin) -> std::io::Result<()> {
    let mut output = BufWriter::new(output);
    while let Some(message) = outgoing.recv().await {
        output.write_all(message.to_string().as_bytes()).await?;
        output.write_all(b"\n").await?;
        if outgoing.is_empty() {
            output.flush().await?;
        }
    }
    output.flush().await
}
