//! The pooled HTTP client that all backends share.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::error::Elapsed;
use tokio_util::task::TaskTracker;

/// How long a TCP connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// After so long without a byte the peer's machine is asked whether it is still there; the connection ends when it does
/// not answer for as long again.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// How long an unused connection stays open.
const IDLE: Duration = Duration::from_secs(50);
/// The same for messages that must not be sent twice: Node and uvicorn close an unused connection after 5 s, and what is
/// sent at that moment may or may not have been taken.
const IDLE_APART: Duration = Duration::from_secs(4);

type Pool = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// HTTP/1.1 and HTTP/2 with TLS against the roots of the system, connections pooled per origin, `TCP_NODELAY` set.
/// Clones share the pool.
#[derive(Debug, Clone)]
pub struct HttpClient {
    pub(super) client: Pool,
    tls: HttpsConnector<HttpConnector>,
    /// Sessions that are being ended.
    farewells: TaskTracker,
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
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        Ok(Self {
            client: pooled(tls.clone(), IDLE),
            tls,
            farewells: TaskTracker::new(),
        })
    }

    /// The same client with a pool of its own, for messages that must not be sent twice: nobody else's trouble reaches
    /// its connections, and an unused one is given up before servers close it.
    pub(crate) fn apart(&self) -> Self {
        Self {
            client: pooled(self.tls.clone(), IDLE_APART),
            ..self.clone()
        }
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
