//! A client with one connection, which carries all there is.

use argus_testkit::part;
use serde_json::Value;

use super::{DECLARED, Of, Wire};
use crate::kinds::Era;

/// One connection, in both directions.
pub(crate) trait Line {
    /// The revision of its legacy clients.
    const REVISION: &str;

    async fn open(config: &Value) -> Self;

    async fn write(&mut self, message: &str);

    /// The next message, whatever it belongs to.
    async fn read(&mut self) -> Option<String>;

    async fn close(self);
}

/// The messages of such a connection, told apart.
pub(crate) struct Sorted<L> {
    line: L,
    /// What came and nobody waited for, in order.
    kept: Vec<String>,
}

impl<L: Line> Wire for Sorted<L> {
    async fn open(config: &Value, era: Era) -> Self {
        let mut line = L::open(config).await;
        if era == Era::Legacy {
            let version = format!(r#""protocolVersion":"{}""#, L::REVISION);
            let params =
                format!(r#"{{{version},"capabilities":{DECLARED},"clientInfo":{{"name":"matrix","version":"1"}}}}"#);
            let hello = format!(r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{params}}}"#);
            line.write(&hello).await;
            let answer = line.read().await.unwrap();
            assert!(answer.contains(&version), "{answer}");
            line.write(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
                .await;
        }
        Self { line, kept: Vec::new() }
    }

    async fn request(&mut self, _: &str, _: &str, _: Option<&str>, message: &str) {
        self.line.write(message).await;
    }

    async fn send(&mut self, message: &str) {
        self.line.write(message).await;
    }

    async fn next(&mut self, of: Of<'_>) -> Option<String> {
        loop {
            if let Some(at) = self.kept.iter().position(|message| belongs(message, of)) {
                return Some(self.kept.remove(at));
            }
            self.kept.push(self.line.read().await?);
        }
    }

    async fn leave(&mut self, id: &str) {
        let params = format!(r#"{{"requestId":{id}}}"#);
        self.line
            .write(&format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{params}}}"#
            ))
            .await;
    }

    async fn has_answer(&mut self, id: &str) -> bool {
        self.kept
            .iter()
            .any(|message| belongs(message, Of::Request(id)) && part(message, "method").is_none())
    }

    fn status(&self, _: &str) -> Option<u16> {
        None
    }

    async fn close(self) {
        self.line.close().await;
    }
}

/// Whether a message belongs to this. One client does one thing at a time, so what names nothing is the request's.
fn belongs(message: &str, of: Of<'_>) -> bool {
    let Some(method) = part(message, "method") else {
        return Of::Request(&part(message, "id").unwrap()) == of;
    };
    let params = part(message, "params").unwrap_or_default();
    let meta = part(&params, "_meta").unwrap_or_default();
    if let Some(subscription) = part(&meta, "io.modelcontextprotocol/subscriptionId") {
        return Of::Request(&subscription) == of;
    }
    let outside = method.contains("list_changed") || method.contains("resources/updated");
    outside == (of == Of::Nothing)
}
