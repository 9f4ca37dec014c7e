//! What the API has to know of the program that runs it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use argus_config::{AnnouncedTransport, Settings};

use super::stop::Stop;
use crate::check::Checker;
use crate::lost_lines::LostLines;
use crate::reload::{InEffect, Reloader};

/// The program around the gateway.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// The file that the configuration was read from.
    pub config_file: Option<PathBuf>,
    /// Reads that file again; `None` where there is none.
    pub reloader: Option<Reloader>,
    /// Every key that the gateway was started with.
    pub settings: Settings,
    /// Checks configurations; `None` where nobody can ask for it.
    pub checker: Option<Checker>,
    /// What its logs do not have.
    pub lost_lines: LostLines,
}

/// The program as it runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(super) service: Service,
    pub(super) started: SystemTime,
    /// The configuration that it was started with.
    at_start: Arc<InEffect>,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// What stops it.
    pub(crate) stop: Stop,
}

impl Running {
    pub(crate) fn new(service: Service, address: SocketAddr, stop: Stop) -> Self {
        Self {
            at_start: Arc::new(InEffect::at_start(service.settings.clone())),
            service,
            started: SystemTime::now(),
            address,
            stop,
        }
    }

    /// The configuration that holds now.
    pub(crate) fn in_effect(&self) -> Arc<InEffect> {
        let reloader = self.service.reloader.as_ref();
        reloader.map_or_else(|| Arc::clone(&self.at_start), Reloader::in_effect)
    }

    /// Since when it runs.
    pub(crate) fn started(&self) -> SystemTime {
        self.started
    }

    /// What its logs do not have.
    pub(crate) fn lost_lines(&self) -> &LostLines {
        &self.service.lost_lines
    }

    /// How often its configuration was reloaded, and how often that was refused.
    pub(crate) fn reloads(&self) -> (u64, u64) {
        self.service.reloader.as_ref().map_or((0, 0), Reloader::counts)
    }

    /// The URL of a path, as a client on this machine, or one that uses the configured host, reaches it.
    pub(super) fn url(&self, host: &str, transport: AnnouncedTransport) -> String {
        let port = self.address.port();
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        format!("http://{host}:{port}{}", transport.path())
    }
}
