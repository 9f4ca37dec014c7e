//! HTTP to one gateway.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error as SendError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::ring;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{Address, Error};

/// How long a TCP connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// The largest answer.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

type Pool = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The way to one gateway. No proxy is used, whatever the environment says.
#[derive(Clone)]
pub(crate) struct Transport {
    pool: Pool,
    address: Address,
    authorization: Option<HeaderValue>,
}

impl Transport {
    pub(crate) fn new(address: Address, token: Option<&SecretString>) -> Result<Self, Error> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.enforce_http(false);
        let tls = match address.is_secure() {
            true => HttpsConnectorBuilder::new()
                .with_provider_and_native_roots(ring::default_provider())
                .map_err(Error::Roots)?
                .https_only(),
            false => HttpsConnectorBuilder::new().with_tls_config(no_tls()?).https_or_http(),
        };
        let pool = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Below what servers keep unused connections for.
            .pool_idle_timeout(Duration::from_secs(4))
            .build(tls.enable_all_versions().wrap_connector(tcp));
        Ok(Self {
            pool,
            address,
            authorization: token.map(bearer).transpose()?,
        })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a request and waits for the head of the answer, whatever its status.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let sent = Box::pin(self.pool.request(request)).await;
        sent.map_err(|error| self.unsent(&error))
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub(crate) async fn ask(
        &self,
        request: Request<Full<Bytes>>,
        limit: Option<Duration>,
    ) -> Result<(StatusCode, Bytes), Error> {
        let asked = async {
            let response = self.send(request).await?;
            Ok((response.status(), self.body(response).await?))
        };
        let Some(limit) = limit else { return asked.await };
        let in_time = tokio::time::timeout(limit, asked).await;
        in_time.unwrap_or_else(|_| {
            Err(Error::TimedOut {
                address: self.address.clone(),
                after: limit,
            })
        })
    }

    pub(crate) async fn body(&self, response: Response<Incoming>) -> Result<Bytes, Error> {
        let body = Limited::new(response.into_body(), MAX_ANSWER);
        let whole = body.collect().await;
        whole
            .map(http_body_util::Collected::to_bytes)
            .map_err(|error| self.broken(error.to_string()))
    }

    pub(crate) fn broken(&self, cause: String) -> Error {
        Error::Broken {
            address: self.address.clone(),
            cause,
        }
    }

    /// The error that an answer stands for.
    pub(crate) fn refused(&self, status: StatusCode, body: &[u8]) -> Error {
        Error::of_answer(&self.address, status, body, self.authorization.is_some())
    }

    fn unsent(&self, error: &SendError) -> Error {
        let cause = last_cause(error);
        match error.is_connect() {
            true => Error::Unreachable {
                address: self.address.clone(),
                cause,
            },
            false => self.broken(cause),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token stays out of it.
        out.debug_struct("Transport")
            .field("address", &self.address)
            .field("with_token", &self.authorization.is_some())
            .finish_non_exhaustive()
    }
}

/// A request without a body.
pub(crate) fn get(url: &Url) -> Request<Full<Bytes>> {
    request(Method::GET, url, Bytes::new())
}

/// A request with a body of JSON, or none.
pub(crate) fn post(url: &Url, body: Bytes) -> Request<Full<Bytes>> {
    request(Method::POST, url, body)
}

fn request(method: Method, url: &Url, body: Bytes) -> Request<Full<Bytes>> {
    let has_body = !body.is_empty();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    // Whatever is a URL of HTTP is one here; if it should not be, the request fails.
    *request.uri_mut() = url.as_str().parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    request
}

/// For addresses without TLS, which need no certificates.
fn no_tls() -> Result<ClientConfig, Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Roots(std::io::Error::other(error)))?;
    Ok(config
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth())
}

fn bearer(token: &SecretString) -> Result<HeaderValue, Error> {
    let text = format!("Bearer {}", token.expose_secret());
    let mut value = HeaderValue::from_str(&text).map_err(|_| Error::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The innermost cause, which is what people can do something about.
fn last_cause(error: &SendError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    // Not everything that wraps an error names it as its source.
    let io = cause.downcast_ref::<std::io::Error>();
    match io.and_then(std::io::Error::get_ref) {
        Some(inner) => inner.to_string(),
        None => match io.map(std::io::Error::kind) {
            Some(std::io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
            _ => cause.to_string(),
        },
    }
}
