//! What this gateway is called, and saying so for as long as it runs.

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use argus_config::Server;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Arguments, data};
use crate::running::{self, Claim, ClaimError, Entry, Name};

/// What a gateway was told about itself.
pub(super) struct Identity {
    name: Option<Name>,
    /// Where what it says goes, when it runs in the background.
    log: Option<PathBuf>,
}

/// The same, with the name taken where one was given.
pub(super) struct Named {
    name: Option<(Name, Claim)>,
    log: Option<PathBuf>,
}

/// What a gateway says of itself for as long as it runs.
pub(super) struct Present {
    pub(super) entry: Entry,
    /// Its name belongs to it, also where its file cannot say more.
    claim: Option<Claim>,
    /// Whether others find it.
    listed: bool,
}

impl Identity {
    pub(super) fn of(arguments: &Arguments) -> Self {
        Self {
            name: arguments.name.clone(),
            log: arguments.detached_log.clone(),
        }
    }

    /// The part of the data folder that is its own: with a name of its own it shares nothing with other gateways.
    pub(super) fn data(&self) -> Option<PathBuf> {
        let name = self.name.as_ref().filter(|name| !name.is_default())?;
        Some(Path::new("gateways").join(name.as_str()))
    }

    /// Takes the name that was given. A file that cannot be written is no reason not to run.
    ///
    /// # Errors
    /// When a gateway runs that has this name.
    pub(super) async fn take_name(self) -> Result<Named, ClaimError> {
        let name = match self.name {
            None => None,
            Some(name) => match claimed(&name).await {
                Ok(claim) => Some((name, claim)),
                Err(ClaimError::File(error)) => return Ok(unknown(self.log, &error)),
                Err(taken) => return Err(taken),
            },
        };
        Ok(Named { name, log: self.log })
    }
}

impl Named {
    /// Whether somebody waits to hear that it listens.
    pub(super) fn is_detached(&self) -> bool {
        self.log.is_some()
    }

    /// Says who and where it is, until what this gives is dropped. Where that cannot be written, it serves all the same.
    pub(super) async fn begin(self, server: &Server, address: SocketAddr, config: Option<PathBuf>) -> Present {
        let port = address.port();
        let (name, mut claim) = match self.name {
            Some((name, claim)) => (name, Some(claim)),
            None => match usual(port).await {
                Ok((name, claim)) => (name, Some(claim)),
                Err(error) => {
                    unlisted(&error);
                    (Name::first(port), None)
                }
            },
        };
        // The log of another gateway may have the name.
        let log = self.log.map(|log| match claim.is_some() {
            true => renamed(log, &name),
            false => log,
        });
        let pid = std::process::id();
        let entry = Entry {
            log_file: log.map(text),
            name,
            pid,
            host: server.host.clone(),
            port,
            address: Some(address),
            config: config.map(text),
            started_at: Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            process_start: running::started(pid),
            management: server.management.enabled,
            stopping: false,
        };
        let told = claim.as_mut().map(|claim| claim.tell(&entry));
        if let Some(Err(error)) = &told {
            unlisted(error);
        }
        Present {
            entry,
            claim,
            listed: matches!(told, Some(Ok(()))),
        }
    }
}

impl Present {
    /// Whether others find it.
    pub(super) fn is_listed(&self) -> bool {
        self.listed
    }

    /// Says when it begins to stop, so that nobody tells it again.
    pub(super) async fn hears_of_the_end(&mut self, shutdown: &CancellationToken) -> Infallible {
        shutdown.cancelled().await;
        self.entry.stopping = true;
        let told = self.claim.as_mut().map(|claim| claim.tell(&self.entry));
        if let Some(Err(error)) = told {
            warn!("`argus-mcp stop` is not told that this gateway stops already: {error}");
        }
        pending().await
    }
}

/// A path for people; not every path is text.
fn text(path: PathBuf) -> String {
    path.to_string_lossy().into_owned()
}

async fn claimed(name: &Name) -> Result<Claim, ClaimError> {
    let data = data::place().ok_or_else(|| std::io::Error::other("there is no home folder"))?;
    Claim::of(&running::folder(&data), name).await
}

/// The first of the usual names that is free.
async fn usual(port: u16) -> Result<(Name, Claim), ClaimError> {
    let mut taken = None;
    for name in Name::usual(port) {
        match claimed(&name).await {
            Ok(claim) => return Ok((name, claim)),
            Err(error @ ClaimError::Taken(_)) => taken = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(taken.unwrap_or_else(|| std::io::Error::other("no name is free").into()))
}

/// Gives the log its name: at the start it is not known yet. What the last gateway of this name said is kept beside it.
fn renamed(log: PathBuf, name: &Name) -> PathBuf {
    let own = log.with_file_name(format!("detached-{name}.log"));
    if own.exists() {
        drop(std::fs::rename(&own, own.with_extension("log.1")));
    }
    match std::fs::rename(&log, &own) {
        Ok(()) => own,
        Err(_) => log,
    }
}

fn unlisted(error: &dyn std::fmt::Display) {
    warn!(
        "`argus-mcp status` and `stop` will not find this gateway: {error}; set ARGUS_STATE_DIR to a folder that can be written"
    );
}

fn unknown(log: Option<PathBuf>, error: &dyn std::fmt::Display) -> Named {
    unlisted(error);
    Named { name: None, log }
}
