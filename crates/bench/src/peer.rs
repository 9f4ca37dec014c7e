//! A client that asks one thing at a time.

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::client::Message;

/// A connection to a server on this machine.
pub(crate) struct Peer {
    sender: SendRequest<Full<Bytes>>,
    port: u16,
}

impl Peer {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) async fn connect(port: u16) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(("127.0.0.1", port)).await?;
        socket.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, port })
    }

    /// Sends a message and gives the header fields and the body of the answer.
    ///
    /// # Errors
    /// When the connection breaks or the server refuses.
    pub(crate) async fn send(&mut self, message: &Message) -> anyhow::Result<(HeaderMap, Bytes)> {
        let mut request = Request::post("/mcp").header("host", format!("127.0.0.1:{}", self.port));
        for (name, value) in &message.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(message.body.clone())))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.context("the answer broke off")?.to_bytes();
        if !head.status.is_success() {
            bail!(
                "a request was refused with {}: {}",
                head.status,
                String::from_utf8_lossy(&body)
            );
        }
        Ok((head.headers, body))
    }

    /// Sends a request and gives the text of its result.
    ///
    /// # Errors
    /// When there is no result.
    pub(crate) async fn result(&mut self, message: &Message) -> anyhow::Result<String> {
        let (_, body) = self.send(message).await?;
        let answer: serde_json::Value = serde_json::from_slice(&body)?;
        match answer.get("result") {
            Some(result) => Ok(result.to_string()),
            None => bail!("a request was answered with {}", String::from_utf8_lossy(&body)),
        }
    }
}
