//! A gateway with odd backends.

use std::ops::Deref;
use std::path::PathBuf;

use argus_testkit::{Client, Gateway, Journal, Launch, OddServer, SseClient, StdioClient, TcpRelay, odd_program};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::tls_front::TlsFront;

pub(crate) const ARGUS: &str = env!("CARGO_BIN_EXE_argus-mcp");

/// What a gateway is to be started with.
pub(crate) struct World {
    folder: TempDir,
    servers: Vec<OddServer>,
    config: Value,
}

/// A gateway that runs, with its backends.
pub(crate) struct Running {
    // Fields are dropped in this order: the gateway before its backends.
    gateway: Gateway,
    world: World,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            servers: Vec::new(),
            config: json!({"server": {}, "backends": Map::new()}),
        }
    }

    /// Adds a backend that is a process.
    pub(crate) fn stdio(&mut self, name: &str, arguments: &[&str]) -> Journal {
        let journal = self.journal(name);
        let mut arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        arguments.extend(["--journal".to_owned(), journal.path().to_str().unwrap().to_owned()]);
        self.config["backends"][name] = json!({"type": "stdio", "command": odd_program(ARGUS), "args": arguments});
        journal
    }

    /// Adds a backend behind a URL.
    pub(crate) fn http(&mut self, name: &str, arguments: &[&str]) -> Journal {
        self.behind("--http", "streamable-http", name, arguments)
    }

    /// Adds a backend over HTTP+SSE.
    pub(crate) fn sse(&mut self, name: &str, arguments: &[&str]) -> Journal {
        self.behind("--sse", "sse", name, arguments)
    }

    /// Adds a backend over HTTP+SSE that the gateway has to start.
    pub(crate) fn sse_started(&mut self, name: &str, arguments: &[&str]) -> Journal {
        let port = argus_testkit::unused_port();
        let port_text = port.to_string();
        let journal = self.stdio(name, &[arguments, &["--sse", "--port", &port_text]].concat());
        self.backend(name, "type", "sse");
        self.backend(name, "url", format!("http://127.0.0.1:{port}/sse"));
        journal
    }

    /// Adds a backend behind a URL that something else serves.
    pub(crate) fn elsewhere(&mut self, name: &str, kind: &str, url: &str) -> Journal {
        self.config["backends"][name] = json!({"type": kind, "url": url});
        self.journal(name)
    }

    fn behind(&mut self, face: &str, kind: &str, name: &str, arguments: &[&str]) -> Journal {
        let journal = self.journal(name);
        let mut arguments = arguments.to_vec();
        arguments.extend(["--journal", journal.path().to_str().unwrap()]);
        let server = OddServer::start(odd_program(ARGUS), face, &arguments);
        self.config["backends"][name] = json!({"type": kind, "url": server.url()});
        self.servers.push(server);
        journal
    }

    /// Leads the way to a backend behind a URL through a network that can fail.
    pub(crate) async fn through_relay(&mut self, name: &str) -> TcpRelay {
        let url = self.config["backends"][name]["url"].as_str().unwrap();
        let (relay, through) = TcpRelay::to_url(url).await;
        self.backend(name, "url", through);
        relay
    }

    /// Puts TLS in front of a backend behind a URL.
    pub(crate) async fn with_tls(&mut self, name: &str) -> TlsFront {
        let url = self.config["backends"][name]["url"].as_str().unwrap();
        let (front, through) = TlsFront::to_url(url).await;
        self.backend(name, "url", through);
        front
    }

    /// Writes a script for `verbatim`.
    pub(crate) fn script(&self, name: &str, text: &str) -> String {
        let path = self.file(&format!("{name}.script"));
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A path in the folder of this test.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn journal(&self, name: &str) -> Journal {
        Journal::at(self.file(&format!("{name}.journal")))
    }

    /// Sets a key of the `server` section.
    pub(crate) fn server(&mut self, key: &str, value: impl Into<Value>) {
        self.config["server"][key] = value.into();
    }

    /// Sets a section.
    pub(crate) fn root(&mut self, key: &str, value: impl Into<Value>) {
        self.config[key] = value.into();
    }

    /// Sets a key of a backend.
    pub(crate) fn backend(&mut self, name: &str, key: &str, value: impl Into<Value>) {
        self.config["backends"][name][key] = value.into();
    }

    /// Says what becomes of two equal names.
    pub(crate) fn strategy(&mut self, strategy: &str) {
        self.config["conflict_resolution"] = json!({"strategy": strategy});
    }

    /// Takes a backend out.
    pub(crate) fn without(&mut self, name: &str) {
        if let Some(backends) = self.config["backends"].as_object_mut() {
            backends.remove(name);
        }
    }

    /// Starts with a data folder that stays when the gateway stops.
    pub(crate) fn start_with_state(self) -> Running {
        let state = self.file("state").to_str().unwrap().to_owned();
        self.start_with(|launch| launch.env("ARGUS_STATE_DIR", &state))
    }

    pub(crate) fn start(self) -> Running {
        self.launch(Launch::new(ARGUS))
    }

    /// Starts with what `adjust` adds.
    pub(crate) fn start_with(self, adjust: impl FnOnce(Launch) -> Launch) -> Running {
        self.launch(adjust(Launch::new(ARGUS)))
    }

    /// Starts a gateway of a client's own, over stdio.
    pub(crate) fn start_own(&self) -> StdioClient {
        let config = self.file("own.yaml");
        std::fs::write(&config, self.config.to_string()).unwrap();
        StdioClient::start(ARGUS, &["stdio", "--config", config.to_str().unwrap()])
    }

    fn launch(self, launch: Launch) -> Running {
        Running {
            gateway: launch.start(&self.config),
            world: self,
        }
    }
}

impl Running {
    /// A path in the folder of this test.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.world.file(name)
    }

    /// A legacy client that declares nothing.
    pub(crate) async fn plain(&self) -> Client {
        Client::legacy(self.gateway.port(), "{}").await
    }

    /// A legacy client that can be asked.
    pub(crate) async fn askable(&self) -> Client {
        Client::legacy(self.gateway.port(), r#"{"elicitation":{},"sampling":{}}"#).await
    }

    /// A client of HTTP+SSE that can be asked.
    pub(crate) async fn sse(&self) -> SseClient {
        SseClient::open(self.gateway.port(), r#"{"sampling":{}}"#).await
    }

    /// Starts a client over stdio of this gateway, at `/mcp` or `/sse`.
    pub(crate) fn stdio(&self, path: &str) -> StdioClient {
        let url = format!("http://127.0.0.1:{}{path}", self.gateway.port());
        StdioClient::start(ARGUS, &["stdio", "--url", &url])
    }

    pub(crate) fn modern(&self) -> Client {
        Client::modern(self.gateway.port(), r#"{"elicitation":{}}"#)
    }

    /// The gateway stops well.
    pub(crate) fn stop(self) {
        self.gateway.stop();
    }

    /// The gateway stops well; gives what another one is to be started with.
    pub(crate) fn stopped(self) -> World {
        self.gateway.stop();
        self.world
    }

    /// The gateway is killed; gives what another one is to be started with.
    pub(crate) fn killed(mut self) -> World {
        self.gateway.signal(nix::sys::signal::Signal::SIGKILL);
        self.gateway.wait(std::time::Duration::from_secs(10));
        self.world
    }

    /// What it is configured with, to be changed.
    pub(crate) fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// Puts a file with what it is to be configured with in the place of the one that is there, as editors do.
    pub(crate) fn rewrite(&self) {
        self.rewrite_as(&self.world.config.to_string());
    }

    /// The same with this text.
    pub(crate) fn rewrite_as(&self, text: &str) {
        let folder = self.gateway.folder();
        std::fs::write(folder.join("config.yaml.new"), text).unwrap();
        std::fs::rename(folder.join("config.yaml.new"), folder.join("config.yaml")).unwrap();
    }

    pub(crate) fn gateway(&mut self) -> &mut Gateway {
        &mut self.gateway
    }
}

impl Deref for Running {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        &self.gateway
    }
}

/// The parameters of a tool call.
pub(crate) fn tool(name: &str, arguments: &str) -> String {
    format!(r#"{{"name":"{name}","arguments":{arguments}}}"#)
}

/// The text of all names in a list result, in order.
pub(crate) fn names(result: &str, member: &str) -> Vec<String> {
    let result: Value = serde_json::from_str(result).unwrap();
    let items = result[member].as_array().unwrap();
    items
        .iter()
        .map(|item| item["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The message of an error object.
pub(crate) fn message(error: &str) -> String {
    let error: Value = serde_json::from_str(error).unwrap();
    error["message"].as_str().unwrap().to_owned()
}
