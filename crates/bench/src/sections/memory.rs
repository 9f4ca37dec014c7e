//! Resident memory of the gateway.

use argus_bench::backend::{Eras, SMALL};
use nix::unistd::Pid;

use crate::arguments::Kind;
use crate::argus::{Argus, Behind};
use crate::bench::Bench;
use crate::client::{Ask, Client};
use crate::memory::resident;
use crate::peer::Peer;
use crate::report::{Aim, Section, figure, say};
use crate::sessions;
use crate::way::{Backend, Target, Way};

const KIND: Kind = Kind {
    tools: 2,
    eras: Eras::Both,
};
const MOST_IDLE: f64 = 20.0;
const MOST_PER_SESSION: f64 = 20.0;

/// Idle, per idle session and after many calls, each time of a gateway that was just started.
pub(super) async fn run(bench: &Bench) -> anyhow::Result<Section> {
    let backend = Backend::start(KIND).await?;
    let mut rows = Vec::new();
    let mut aims = Vec::new();
    let kinds = [
        (Way::ArgusHttp, Behind::Http(backend.port)),
        (Way::ArgusStdio, Behind::Stdio(KIND)),
    ];
    for (way, behind) in kinds {
        let figures = Figures::of(bench, way, behind).await?;
        aims.push(Aim::at_most(
            format!("{way}: resident, idle"),
            figures.idle,
            MOST_IDLE,
            " MiB",
        ));
        let what = format!("{way}: per idle session");
        aims.push(Aim::at_most(what, figures.per_session, MOST_PER_SESSION, " KiB"));
        rows.push(figures.cells(way));
    }
    Ok(Section {
        title: "Resident memory of the gateway",
        columns: vec![
            "way",
            "idle MiB",
            "guards MiB",
            "sessions",
            "KiB/session",
            "calls",
            "after them MiB",
        ],
        rows,
        aims,
    })
}

struct Figures {
    /// MiB, with a backend that is connected.
    idle: f64,
    /// MiB, of all guards; a guard is there for each process.
    guards: f64,
    sessions: usize,
    /// KiB.
    per_session: f64,
    calls: u64,
    /// MiB.
    after_calls: f64,
}

impl Figures {
    async fn of(bench: &Bench, way: Way, behind: Behind) -> anyhow::Result<Self> {
        let (sessions, calls) = if bench.quick { (200, 5_000) } else { (2_000, 100_000) };
        say(&format!("memory, {way}: {sessions} sessions"));
        let argus = Started::new(bench, behind).await?;
        let idle = mebibytes(argus.resident()?);
        let mut guards = 0.0;
        for guard in argus.argus.guards()? {
            guards += mebibytes(resident(guard)?);
        }
        let per_session = argus.per_session(sessions).await?;
        drop(argus);
        say(&format!("memory, {way}: {calls} calls"));
        let argus = Started::new(bench, behind).await?;
        let target = Target {
            way,
            port: argus.argus.port,
            gateway: None,
        };
        let messages = bench.requests(&target, Client::Session, Ask::Call(SMALL)).await?;
        let calls = bench.calls(&target, &messages, calls).await?;
        Ok(Self {
            idle,
            guards,
            sessions,
            per_session,
            calls,
            after_calls: mebibytes(argus.resident()?),
        })
    }

    fn cells(&self, way: Way) -> Vec<String> {
        vec![
            way.to_string(),
            figure(self.idle),
            figure(self.guards),
            self.sessions.to_string(),
            figure(self.per_session),
            self.calls.to_string(),
            figure(self.after_calls),
        ]
    }
}

/// A gateway whose backend is connected.
struct Started {
    argus: Argus,
    _folder: tempfile::TempDir,
}

impl Started {
    async fn new(bench: &Bench, behind: Behind) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let argus = Argus::start(&bench.argus, folder.path(), behind).await?;
        // It is answered when the backend was tried.
        let list = Client::Modern.request(1, Ask::List, None);
        Peer::connect(argus.port).await?.result(&list).await?;
        Ok(Self { argus, _folder: folder })
    }

    fn resident(&self) -> anyhow::Result<u64> {
        let process: Pid = self.argus.pid();
        resident(process)
    }

    /// KiB that each of so many sessions adds. Some are opened before, so that what all share is there already.
    async fn per_session(&self, count: usize) -> anyhow::Result<f64> {
        let _shared = sessions::open(self.argus.port, count / 20).await?;
        let before = self.resident()?;
        let _sessions = sessions::open(self.argus.port, count).await?;
        Ok(self.resident()?.saturating_sub(before) as f64 / count as f64)
    }
}

fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
