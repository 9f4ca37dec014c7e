//! The clients with one connection.

use std::time::Duration;

use argus_testkit::{Gateway, Launch, SseClient, StdioClient};
use serde_json::Value;
use tempfile::TempDir;

use super::ARGUS;
use super::line::Line;

/// At `/sse`.
pub(crate) struct AtSse {
    client: SseClient,
    gateway: Gateway,
}

/// Over stdio, with a gateway of its own.
pub(crate) struct Own {
    client: StdioClient,
    _folder: TempDir,
}

/// Over stdio, in front of a gateway that runs.
pub(crate) struct Relayed {
    client: StdioClient,
    gateway: Gateway,
}

impl Line for AtSse {
    const REVISION: &str = "2024-11-05";

    async fn open(config: &Value) -> Self {
        let gateway = Launch::new(ARGUS).start(config);
        Self {
            client: SseClient::connect(gateway.port()).await,
            gateway,
        }
    }

    async fn write(&mut self, message: &str) {
        self.client.post(message).await;
    }

    async fn read(&mut self) -> Option<String> {
        self.client.next().await
    }

    async fn close(self) {
        drop(self.client);
        self.gateway.stop();
    }
}

impl Line for Own {
    const REVISION: &str = "2025-06-18";

    async fn open(config: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.yaml");
        // YAML is a superset of JSON.
        std::fs::write(&path, config.to_string()).unwrap();
        Self {
            client: StdioClient::start(ARGUS, &["stdio", "--config", path.to_str().unwrap()]),
            _folder: folder,
        }
    }

    async fn write(&mut self, message: &str) {
        self.client.send(message).await;
    }

    async fn read(&mut self) -> Option<String> {
        self.client.next().await
    }

    async fn close(self) {
        end(self.client).await;
    }
}

impl Line for Relayed {
    const REVISION: &str = "2025-03-26";

    async fn open(config: &Value) -> Self {
        let gateway = Launch::new(ARGUS).start(config);
        let url = format!("http://127.0.0.1:{}/mcp", gateway.port());
        Self {
            client: StdioClient::start(ARGUS, &["stdio", "--url", &url]),
            gateway,
        }
    }

    async fn write(&mut self, message: &str) {
        self.client.send(message).await;
    }

    async fn read(&mut self) -> Option<String> {
        self.client.next().await
    }

    async fn close(self) {
        end(self.client).await;
        self.gateway.stop();
    }
}

/// The program ends with its stdin.
async fn end(mut client: StdioClient) {
    client.close();
    while client.next().await.is_some() {}
    let (status, said) = client.ended(Duration::from_secs(20)).await;
    assert_eq!(status.code(), Some(0), "{said}");
}
