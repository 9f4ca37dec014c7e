//! The endpoint, and the way to the client.

use std::time::Duration;

use argus_protocol::{Id, RpcError, code, write};
use argus_upstream::{Endpoint, LinkError, Received, shown};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use tokio::sync::mpsc;
use tokio::time::Instant;
use url::Url;

/// How long it is tried to reach an endpoint where nobody listens: it may be starting.
const REACHING: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The longest body that is not a stream.
const MAX_BODY: usize = 64 << 20;

/// Tries for a while where nobody listens, for nothing was sent then.
pub(super) async fn reached<T, F: Future<Output = Result<T, LinkError>>>(send: impl Fn() -> F) -> Result<T, LinkError> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match send().await {
            Err(LinkError::Unreachable { .. }) if began.elapsed() + pause < REACHING => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            other => return other,
        }
    }
}

/// The answer to a message that was not read.
pub(super) fn too_long(max: usize) -> Bytes {
    let why = format!("the message is larger than {max} bytes");
    write::error(None, &RpcError::new(code::INVALID_REQUEST, why))
}

/// The endpoint, and the way to the client. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) endpoint: Endpoint,
    say: mpsc::Sender<Bytes>,
}

impl Place {
    pub(super) fn new(endpoint: Endpoint, say: mpsc::Sender<Bytes>) -> Self {
        Self { endpoint, say }
    }

    /// The URL without what may be secret in it.
    pub(super) fn url(&self) -> String {
        shown(self.endpoint.url())
    }

    /// Posts a message; tries for a while where nobody listens, for nothing was sent then.
    pub(super) async fn post(&self, headers: &HeaderMap, body: &Bytes) -> Result<Response<Received>, LinkError> {
        reached(|| self.endpoint.post(headers, body.clone())).await
    }

    /// The same client, and another address there.
    pub(super) fn at(&self, url: Url) -> Self {
        Self {
            endpoint: self.endpoint.at(url),
            say: self.say.clone(),
        }
    }

    /// Opens a stream; says where it comes from.
    pub(super) async fn get(&self, headers: &HeaderMap) -> Result<(Url, Response<Received>), LinkError> {
        self.endpoint.get_from(headers).await
    }

    /// Says a message to the client. When it is gone, the relay is ending.
    pub(super) async fn say(&self, message: Bytes) {
        let _ = self.say.send(message).await;
    }

    /// Answers a request that the endpoint does not answer.
    pub(super) async fn fail(&self, id: &Id, why: &str) {
        let error = RpcError::new(code::BACKEND_UNAVAILABLE, why);
        self.say(write::error(Some(id), &error)).await;
    }

    /// What went wrong, and what to do about it.
    pub(super) fn trouble(&self, error: &LinkError) -> String {
        match error {
            LinkError::Unreachable { .. } => format!(
                "{error}; see that a gateway runs there (`argus-mcp server`), or name another address with --url"
            ),
            LinkError::Redirect { from, to } => {
                format!("{from} redirects to {to}, another origin; if you trust it, name it with --url")
            }
            error => format!("{}: {error}", self.url()),
        }
    }

    /// What a refusal without words means, and what to do about it.
    pub(super) fn refusal(&self, status: StatusCode) -> String {
        let remedy = match status {
            StatusCode::UNAUTHORIZED => "it wants credentials; give them with --header",
            StatusCode::FORBIDDEN => "it refuses these credentials; give others with --header",
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                "there is no MCP endpoint at this path; check --url"
            }
            StatusCode::TOO_MANY_REQUESTS => "it has too much to do; try again later",
            status if status.is_server_error() => "look at its log",
            _ => "check --url and --header",
        };
        format!("{} answered {status}: {remedy}", self.url())
    }

    /// A body that is not a stream.
    pub(super) async fn body(&self, response: Response<Received>) -> Result<Bytes, String> {
        match Limited::new(response.into_body(), MAX_BODY).collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) => Err(format!("{}: the answer broke off: {error}", self.url())),
        }
    }
}
