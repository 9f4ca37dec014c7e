//! A client of HTTP+SSE that shows every byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests use it, and a test may fail at any place"
)]

use http::{HeaderMap, Method};

use crate::{Client, Exchange};

const VERSION: &str = "2024-11-05";

/// A client of 2024-11-05 on a stream of its own. Dropped, it closes the stream.
#[derive(Debug)]
pub struct SseClient {
    client: Client,
    endpoint: String,
    stream: Exchange,
}

impl SseClient {
    /// Opens a connection, on which nothing was said yet.
    pub async fn connect(port: u16) -> Self {
        let client = Client::new(port, VERSION, "{}");
        let get = client.request_at("/sse", Method::GET, HeaderMap::new(), String::new());
        let mut stream = get.await;
        assert_eq!(stream.status, 200);
        let endpoint = stream.next().await.expect("no endpoint");
        Self {
            client,
            endpoint,
            stream,
        }
    }

    /// Opens a connection and initializes it. `capabilities` is a JSON object.
    pub async fn open(port: u16, capabilities: &str) -> Self {
        let mut opened = Self::connect(port).await;
        let params = format!(
            r#"{{"protocolVersion":"{VERSION}","capabilities":{capabilities},"clientInfo":{{"name":"raw","version":"1"}}}}"#
        );
        opened.ask("\"initialize\"", "initialize", &params).await;
        opened.next().await.expect("no answer to initialize");
        opened
            .post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
            .await;
        opened
    }

    /// Posts a message, which must be taken.
    pub async fn post(&self, message: &str) {
        let body = message.to_owned();
        let taken = self
            .client
            .request_at(&self.endpoint, Method::POST, HeaderMap::new(), body)
            .await;
        assert_eq!(taken.status, 202, "{message}");
    }

    /// Posts a request; `id` and `params` are JSON.
    pub async fn ask(&self, id: &str, method: &str, params: &str) {
        let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#);
        self.post(&message).await;
    }

    /// The next message, byte by byte; `None` at the end.
    pub async fn next(&mut self) -> Option<String> {
        self.stream.next().await
    }
}
