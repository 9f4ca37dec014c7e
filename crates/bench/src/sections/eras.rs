//! Calls between the generations, beside calls within one.

use argus_bench::backend::Eras;

use crate::arguments::Kind;
use crate::argus::{Argus, Behind};
use crate::bench::Bench;
use crate::client::{Ask, Client};
use crate::report::{Section, figure, micros, say};
use crate::way::{Backend, Target, Way};

const CONNECTIONS: [u32; 2] = [1, 32];
const CLIENTS: [Client; 3] = [Client::Modern, Client::Asked, Client::Session];

/// One gateway for each kind of backend; what is compared is measured right after each other.
pub(super) async fn run(bench: &Bench, tool: &'static str) -> anyhow::Result<Section> {
    let mut rows = Vec::new();
    for way in [Way::ArgusHttp, Way::ArgusStdio] {
        let modern = Fronted::start(bench, way, Eras::Modern).await?;
        let legacy = Fronted::start(bench, way, Eras::Legacy).await?;
        for client in CLIENTS {
            for (behind, fronted) in [("modern", &modern), ("legacy", &legacy)] {
                let target = fronted.target(way);
                let messages = bench.requests(&target, client, Ask::Call(tool)).await?;
                for connections in CONNECTIONS {
                    say(&format!(
                        "{client} client, {behind} backend, {way}, {connections} connections"
                    ));
                    let measured = bench.load(&target, &messages, connections).await?;
                    rows.push(vec![
                        client.to_string(),
                        behind.to_owned(),
                        way.to_string(),
                        connections.to_string(),
                        figure(measured.load.per_second()),
                        micros(measured.load.p50),
                        micros(measured.load.p99),
                        measured.cpu.map_or_else(|| "-".to_owned(), micros),
                    ]);
                }
            }
        }
    }
    Ok(Section {
        title: "Calls between the generations, results of 100 bytes",
        columns: vec![
            "client",
            "backend",
            "way",
            "connections",
            "calls/s",
            "p50 us",
            "p99 us",
            "CPU us/call",
        ],
        rows,
        aims: Vec::new(),
    })
}

/// A gateway and the backend behind it, which ends after it.
struct Fronted {
    argus: Argus,
    _backend: Option<Backend>,
    _folder: tempfile::TempDir,
}

impl Fronted {
    async fn start(bench: &Bench, way: Way, eras: Eras) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let kind = Kind { tools: 2, eras };
        let (behind, backend) = match way {
            Way::ArgusStdio => (Behind::Stdio(kind), None),
            _ => {
                let backend = Backend::start(kind).await?;
                (Behind::Http(backend.port), Some(backend))
            }
        };
        Ok(Self {
            argus: Argus::start(&bench.argus, folder.path(), behind).await?,
            _backend: backend,
            _folder: folder,
        })
    }

    fn target(&self, way: Way) -> Target {
        Target {
            way,
            port: self.argus.port,
            gateway: Some(self.argus.pid()),
        }
    }
}
