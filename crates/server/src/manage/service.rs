//! What the API has to know of the program that runs it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use argus_config::AnnouncedTransport;

use super::stop::Stop;

/// The program around the gateway.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// The file that the configuration was read from.
    pub config_file: Option<PathBuf>,
}

/// The program as it runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(super) service: Service,
    pub(super) started: SystemTime,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// What stops it.
    pub(crate) stop: Stop,
}

impl Running {
    pub(crate) fn new(service: Service, address: SocketAddr, stop: Stop) -> Self {
        Self {
            service,
            started: SystemTime::now(),
            address,
            stop,
        }
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
