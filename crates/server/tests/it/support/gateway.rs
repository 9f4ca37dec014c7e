//! The gateway under test: the real one, on a free port.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use argus_config::{Config, Loaded, Mode, Settings};
use argus_gateway::{Gateway, Options, Seal, Totals};
use argus_runtime::GuardProgram;
use argus_server::{Checker, LostLines, Objection, Service};
use argus_upstream::HttpClient;
use http::Method;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::request::Request;
use super::{Session, Sse, Wire, soon};

/// A gateway that serves.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Gateway,
    shutdown: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Served {
    /// Serves the configuration of a text.
    pub(crate) async fn with(yaml: &str) -> Self {
        let Loaded { config, settings, .. } = read(yaml);
        Self::started(config, settings, options(None)).await
    }

    /// Serves the configuration of a text, with a data folder.
    pub(crate) async fn kept_in(folder: &Path, yaml: &str) -> Self {
        let Loaded { config, settings, .. } = read(yaml);
        Self::started(config, settings, options(Some(folder))).await
    }

    /// Serves these lines of backends, and nothing else that is not usual.
    pub(crate) async fn backends(lines: &[String]) -> Self {
        Self::with(&format!("backends:\n{}", lines.concat())).await
    }

    /// Serves no backend at all.
    pub(crate) async fn alone() -> Self {
        Self::configured(Config::default()).await
    }

    /// Serves a configuration.
    pub(crate) async fn configured(config: Config) -> Self {
        Self::started(config, Settings::default(), options(None)).await
    }

    async fn started(config: Config, settings: Settings, options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = Arc::new(config);
        let gateway = Gateway::start(Arc::clone(&config), options);
        let shutdown = CancellationToken::new();
        let service = Service {
            settings,
            checker: Some(Checker::new(Box::new(check))),
            lost_lines: LostLines::default().and("stderr", Arc::new(|| 3)),
            ..Service::default()
        };
        let serving = tokio::spawn({
            let (gateway, shutdown) = (gateway.clone(), shutdown.clone());
            async move { argus_server::serve(listener, gateway, &config.server, service, shutdown).await }
        });
        Self {
            address,
            gateway,
            shutdown,
            serving,
        }
    }

    /// Makes another configuration take effect.
    pub(crate) async fn apply(&self, yaml: &str) {
        let (gateway, config) = (self.gateway.clone(), read(yaml).config);
        let applied = tokio::task::spawn_blocking(move || gateway.apply(config))
            .await
            .unwrap();
        assert!(applied.is_some(), "the gateway stops");
    }

    /// A request to this gateway.
    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        Request::new(self.address, method, path)
    }

    /// A POST of a body to `/mcp`, with the headers of a well-behaved client.
    pub(crate) fn post(&self, body: impl Into<Vec<u8>>) -> Request {
        self.request(Method::POST, "/mcp")
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body)
    }

    /// A GET.
    pub(crate) fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// A request of a modern client, with all that it needs.
    pub(crate) fn modern(&self, method: &str, params: Value) -> Request {
        Request::modern(self.address, method, params)
    }

    /// A session of 2025-11-25 whose client can be asked nothing.
    pub(crate) async fn session(&self) -> Session {
        Session::open(self.address, "2025-11-25", serde_json::json!({})).await
    }

    /// A session of this revision and these client capabilities.
    pub(crate) async fn session_of(&self, version: &str, capabilities: Value) -> Session {
        Session::open(self.address, version, capabilities).await
    }

    /// A connection of HTTP+SSE on which nothing has been said yet.
    pub(crate) async fn sse(&self) -> Sse {
        Sse::open(self.address).await
    }

    /// An initialized connection of HTTP+SSE.
    pub(crate) async fn sse_of(&self, version: &str, capabilities: Value) -> Sse {
        let mut connection = self.sse().await;
        connection.initialize(version, capabilities).await;
        connection
    }

    /// A bare connection.
    pub(crate) async fn wire(&self) -> Wire {
        Wire::open(self.address).await
    }

    /// All backends together, in one word.
    pub(crate) fn fares(&self) -> &'static str {
        match self.gateway.totals() {
            Totals { total, healthy, .. } if healthy == total => "healthy",
            Totals { connected: 0, .. } => "unhealthy",
            _ => "degraded",
        }
    }

    /// Proves that a well-behaved client is still served.
    pub(crate) async fn is_well(&self) {
        let session = self.session().await;
        assert_eq!(session.call("ping", serde_json::json!({})).await.status, 200);
        session.delete().send().await;
    }

    /// Tells the gateway to stop.
    pub(crate) fn stop(&self) {
        self.shutdown.cancel();
    }

    /// Stops the gateway and waits until it has.
    pub(crate) async fn stopped(self) {
        self.stop();
        self.ended().await;
    }

    /// Waits until the gateway has stopped.
    pub(crate) async fn ended(self) {
        let served = soon("the gateway stops", self.serving).await;
        served.unwrap().unwrap();
    }
}

/// Checks a text; there is no file.
fn check(text: Option<&str>) -> Result<Loaded, Vec<Objection>> {
    let environment = |name: &str| (name == "SECRET").then(|| "s3cret-canary".to_owned());
    let text = text.ok_or_else(|| vec!["there is no file".to_owned().into()])?;
    argus_config::check("config.yaml", text, Path::new("/"), &environment, Mode::Serve)
        .map_err(|report| report.findings().iter().map(Objection::from).collect())
}

fn read(yaml: &str) -> Loaded {
    let environment = |_: &str| None;
    match argus_config::check("config.yaml", yaml, Path::new("/"), &environment, Mode::Serve) {
        Ok(loaded) => loaded,
        Err(report) => panic!("the configuration of this test is wrong: {report}"),
    }
}

/// Reading the root certificates takes its time, so it is done once.
fn options(folder: Option<&Path>) -> Options {
    static HTTP: OnceLock<HttpClient> = OnceLock::new();
    Options {
        data_folder: folder.map(Path::to_owned),
        guard: GuardProgram::this_program().unwrap(),
        seal: folder.map_or_else(Seal::ephemeral, Seal::in_folder).unwrap(),
        http: HTTP.get_or_init(|| HttpClient::new().unwrap()).clone(),
    }
}
