//! The ways from the generator to a backend.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use argus_bench::backend::Eras;
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::arguments::Kind;
use crate::argus::{Argus, Behind};
use crate::nginx::Nginx;
use crate::process::Running;

/// What stands between the generator and the backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    Nginx,
    /// The gateway, with the backend behind a URL.
    ArgusHttp,
    /// The gateway, with the backend as a process.
    ArgusStdio,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::ArgusHttp => "argus, http",
            Self::ArgusStdio => "argus, stdio",
        })
    }
}

/// One way that stands.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) way: Way,
    pub(crate) port: u16,
    /// The process whose time is measured.
    pub(crate) gateway: Option<Pid>,
}

/// All ways at once. Fields are dropped in this order: what stands before the backend ends first.
#[derive(Debug)]
pub(crate) struct Ways {
    nginx: Nginx,
    over_http: Argus,
    over_stdio: Argus,
    backend: Backend,
    _folders: [TempDir; 3],
}

impl Ways {
    /// Starts everything; the backend lists this many tools.
    ///
    /// # Errors
    /// When a part does not start.
    pub(crate) async fn start(argus: &Path, tools: usize) -> anyhow::Result<Self> {
        let folders = [tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?];
        let [for_nginx, for_http, for_stdio] = &folders;
        let kind = Kind {
            tools,
            eras: Eras::Both,
        };
        let backend = Backend::start(kind).await?;
        Ok(Self {
            nginx: Nginx::start(for_nginx.path(), backend.port).await?,
            over_http: Argus::start(argus, for_http.path(), Behind::Http(backend.port)).await?,
            over_stdio: Argus::start(argus, for_stdio.path(), Behind::Stdio(kind)).await?,
            backend,
            _folders: folders,
        })
    }

    /// All of them, in the order of the report.
    pub(crate) fn targets(&self) -> [Target; 4] {
        let target = |way, port, gateway| Target { way, port, gateway };
        [
            target(Way::Direct, self.backend.port, None),
            target(Way::Nginx, self.nginx.port, Some(self.nginx.worker())),
            target(Way::ArgusHttp, self.over_http.port, Some(self.over_http.pid())),
            target(Way::ArgusStdio, self.over_stdio.port, Some(self.over_stdio.pid())),
        ]
    }
}

/// The backend behind a URL.
#[derive(Debug)]
pub(crate) struct Backend {
    _running: Running,
    pub(crate) port: u16,
}

impl Backend {
    /// Starts one of this kind.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) async fn start(kind: Kind) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(kind.arguments("http-backend"));
        let mut running = Running::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()), "")?;
        let port = Running::says(running.stdout()?, |line| line.strip_prefix("listening ")?.parse().ok()).await?;
        Ok(Self {
            _running: running,
            port,
        })
    }
}
