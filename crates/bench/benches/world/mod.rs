//! A gateway with a backend and a client, all on one thread.

use std::path::Path;
use std::sync::Arc;

use argus_bench::backend::{self, Answers, Eras, SMALL};
use argus_config::Mode;
use argus_gateway::{Gateway, Options, Seal};
use argus_runtime::GuardProgram;
use argus_upstream::HttpClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The era of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    Modern,
    Legacy,
}

/// Everything, and the connection of the client.
pub(crate) struct World {
    runtime: Runtime,
    client: TcpStream,
    call: String,
    answer: Vec<u8>,
}

const ACCEPT: &str = "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}}"#;

impl World {
    /// Starts everything and opens a session where there is one.
    pub(crate) fn start(era: Era) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (client, call) = runtime.block_on(async {
            let port = gateway(backend().await).await;
            let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            client.set_nodelay(true).unwrap();
            let call = match era {
                Era::Modern => modern(),
                Era::Legacy => legacy(&session(&mut client).await),
            };
            (client, call)
        });
        Self {
            runtime,
            client,
            call,
            answer: vec![0; 16 << 10],
        }
    }

    /// Calls this many times, one after the other; every call must have its result.
    pub(crate) fn call(&mut self, count: usize) {
        self.runtime.block_on(async {
            for _ in 0..count {
                self.client.write_all(self.call.as_bytes()).await.unwrap();
                let size = self.client.read(&mut self.answer).await.unwrap();
                // An answer of this size comes in one piece.
                assert!(
                    self.answer[..size].ends_with(b"\"resultType\":\"complete\"}}"),
                    "no answer"
                );
            }
        });
    }
}

async fn backend() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(backend::http::serve(listener, Arc::new(Answers::new(2, Eras::Both))));
    port
}

async fn gateway(backend: u16) -> u16 {
    let yaml = format!("backends:\n  bench: {{type: streamable-http, url: 'http://127.0.0.1:{backend}/mcp'}}\n");
    let loaded = argus_config::check("config.yaml", &yaml, Path::new("/"), &|_: &str| None, Mode::Serve).unwrap();
    let config = Arc::new(loaded.config);
    // With one, the ids of sessions are what they are in earnest.
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        data_folder: Some(folder.path().to_owned()),
        guard: GuardProgram::this_program().unwrap(),
        seal: Seal::ephemeral().unwrap(),
        http: HttpClient::new().unwrap(),
    };
    let gateway = Gateway::start(Arc::clone(&config), options);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shutdown = CancellationToken::new();
    tokio::spawn(async move {
        let served = argus_server::serve(
            listener,
            gateway,
            &config.server,
            argus_server::Service::default(),
            shutdown,
        )
        .await;
        drop(folder);
        served
    });
    port
}

fn post(headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n{ACCEPT}{headers}content-length: {length}\r\n\r\n{body}")
}

fn modern() -> String {
    let headers = format!("mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {SMALL}\r\n");
    let params = format!(r#"{{"name":"{SMALL}","arguments":{{"text":"hello"}},{META}}}"#);
    post(
        &headers,
        &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#),
    )
}

fn legacy(session: &str) -> String {
    let headers = format!("mcp-protocol-version: 2025-11-25\r\nmcp-session-id: {session}\r\n");
    let params = format!(r#"{{"name":"{SMALL}","arguments":{{"text":"hello"}}}}"#);
    post(
        &headers,
        &format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#),
    )
}

async fn session(client: &mut TcpStream) -> String {
    client.write_all(post("", INITIALIZE).as_bytes()).await.unwrap();
    let mut answer = vec![0; 16 << 10];
    let size = client.read(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..size]).into_owned();
    let line = answer.lines().find_map(|line| line.strip_prefix("mcp-session-id: "));
    line.unwrap().to_owned()
}
