//! The pooled HTTP client that all backends share.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::error::Elapsed;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::causes::causes;
use super::driven::{Driven, Received, Unanswered};
use super::idle::Idle;
use super::place::Place;
use super::sending::Sending;
use crate::tally::Volume;

/// How long a TCP connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// After so long without a byte the peer's machine is asked whether it is still there; the connection ends when it does
/// not answer for as long again.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// How long an unused connection stays open.
const IDLE: Duration = Duration::from_secs(50);
/// The same without TLS, where a program of its own answers rather than a proxy: Node and uvicorn close an unused
/// connection after 5 s, and what is sent at that moment may or may not have been taken.
const IDLE_PLAIN: Duration = Duration::from_secs(4);

type Pool = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// HTTP/1.1 and HTTP/2 with TLS against the roots of the system, connections pooled per origin, and plain HTTP/1.1 with
/// connections pooled per backend; `TCP_NODELAY` set. Clones share the pools.
#[derive(Debug, Clone)]
pub struct HttpClient {
    secure: Pool,
    tls: HttpsConnector<HttpConnector>,
    tcp: HttpConnector,
    idle: Arc<Idle>,
    /// Where its bytes are counted.
    volume: Arc<Volume>,
    /// Sessions that are being ended.
    farewells: TaskTracker,
}

/// Why there is no answer.
pub(super) enum SendError {
    /// No connection can be made: nothing was sent.
    Connect(String),
    /// The connection broke: nobody knows what became of the request.
    Broken(String),
}

impl HttpClient {
    /// Reads the system's root certificates.
    ///
    /// # Errors
    /// When none can be read.
    pub fn new() -> std::io::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_keepalive(Some(KEEP_ALIVE));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE / 4));
        tcp.set_keepalive_retries(Some(4));
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new()
            .with_native_roots()?
            .https_only()
            .enable_all_versions()
            .wrap_connector(tcp.clone());
        Ok(Self {
            secure: pooled(tls.clone(), IDLE),
            tls,
            tcp,
            idle: Idle::new(IDLE_PLAIN),
            volume: Arc::default(),
            farewells: TaskTracker::new(),
        })
    }

    /// The same client with pools of its own: nobody else's trouble reaches its connections.
    pub(crate) fn apart(&self) -> Self {
        Self {
            secure: pooled(self.tls.clone(), IDLE_PLAIN),
            idle: Idle::new(IDLE_PLAIN),
            ..self.clone()
        }
    }

    /// The same client with plain connections of its own, for one backend, whose bytes are counted there.
    pub(crate) fn for_backend(&self, volume: &Arc<Volume>) -> Self {
        Self {
            volume: Arc::clone(volume),
            idle: Idle::new(self.idle.longest()),
            ..self.clone()
        }
    }

    /// Sends a request to a place and waits for the head of the answer.
    ///
    /// # Errors
    /// When the host cannot be reached, or the connection breaks.
    pub(super) async fn send(&self, place: &Place, sending: &Sending<'_>) -> Result<Response<Received>, SendError> {
        self.volume.send(sending.size());
        if place.plain {
            return self.send_plain(place, sending).await;
        }
        let mut request = sending.request();
        *request.uri_mut() = place.whole.clone();
        let sent = Box::pin(self.secure.request(request)).await;
        sent.map(|response| response.map(|body| Received::tasked(body, Arc::clone(&self.volume))))
            .map_err(|error| match error.is_connect() {
                true => SendError::Connect(causes(&error)),
                false => SendError::Broken(causes(&error)),
            })
    }

    async fn send_plain(&self, place: &Place, sending: &Sending<'_>) -> Result<Response<Received>, SendError> {
        loop {
            let unused = self.idle.take();
            let reused = unused.is_some();
            let mut driven = match unused {
                Some(driven) => driven,
                None => Box::pin(self.connect(place.whole.clone())).await?,
            };
            let mut request = sending.request();
            place.in_origin_form(&mut request);
            match driven.send(request).await {
                Ok(response) => {
                    let volume = Arc::clone(&self.volume);
                    return Ok(response.map(|body| Received::driven(body, driven, Arc::clone(&self.idle), volume)));
                }
                // It was closed while it was unused.
                Err(Unanswered { unsent: true, .. }) if reused => {}
                Err(Unanswered { error, unsent }) => {
                    self.idle.forget();
                    let causes = causes(&error);
                    return Err(match unsent {
                        true => SendError::Connect(causes),
                        false => SendError::Broken(causes),
                    });
                }
            }
        }
    }

    async fn connect(&self, place: Uri) -> Result<Driven, SendError> {
        let socket = self.tcp.clone().oneshot(place).await;
        let socket = socket.map_err(|error| SendError::Connect(causes(&error)))?;
        let driven = Driven::over(socket).await;
        driven.map_err(|error| SendError::Connect(causes(&error)))
    }

    /// Lets a session be ended in the background.
    pub(super) fn spawn_farewell(&self, goodbye: impl Future<Output = Result<(), Elapsed>> + Send + 'static) {
        self.farewells.spawn(goodbye);
    }

    /// Waits until every session that was let go is ended, each bounded in time.
    pub(crate) async fn farewells(&self) {
        self.farewells.close();
        self.farewells.wait().await;
    }
}

fn pooled(tls: HttpsConnector<HttpConnector>, idle: Duration) -> Pool {
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(idle)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .http2_keep_alive_interval(Duration::from_secs(30))
        .build(tls)
}
