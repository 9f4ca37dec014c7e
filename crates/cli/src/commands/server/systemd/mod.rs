//! What the service manager is told (sd_notify): that the gateway listens, reloads, stops, and that it lives. Without
//! `NOTIFY_SOCKET` nothing is said.

mod socket;
mod watchdog;

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use nix::time::{ClockId, clock_gettime};
use tokio_util::sync::CancellationToken;

use crate::environment;
use socket::Socket;

/// Where the service manager listens.
const NOTIFY_SOCKET: &str = "NOTIFY_SOCKET";

/// Tells the service manager, if there is one. Clones tell the same one.
#[derive(Debug, Clone)]
pub(super) struct Manager(Option<Arc<Socket>>);

impl Manager {
    /// The one that the environment names.
    pub(super) fn of_environment() -> Self {
        let named = environment::chosen(NOTIFY_SOCKET);
        Self(named.and_then(|name| match Socket::open(&name) {
            Ok(socket) => Some(Arc::new(socket)),
            Err(error) => {
                tracing::warn!("the service manager cannot be told of anything: {NOTIFY_SOCKET}: {error}");
                None
            }
        }))
    }

    /// The gateway listens: says so, and beats for the watchdog from here on.
    pub(super) fn serving(&self, address: SocketAddr, shutdown: &CancellationToken) {
        if self.0.is_none() {
            return;
        }
        self.tell(&format!("READY=1\nSTATUS=listening on {address}"));
        watchdog::begin(self, address, shutdown);
    }

    /// Tells when it begins to stop.
    pub(super) async fn hears_of_the_end(&self, shutdown: &CancellationToken) -> Infallible {
        shutdown.cancelled().await;
        self.tell("STOPPING=1\nSTATUS=stopping: calls in flight finish");
        pending().await
    }

    /// A reload that the service manager may have asked for begins.
    pub(super) fn reloading(&self) {
        // It tells this reload from others by the time.
        let Ok(now) = clock_gettime(ClockId::CLOCK_MONOTONIC) else {
            return;
        };
        let micros = i128::from(now.tv_sec()) * 1_000_000 + i128::from(now.tv_nsec()) / 1000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=reloading"));
    }

    /// It is over; `status` says how.
    pub(super) fn reloaded(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    fn tell(&self, what: &str) {
        if let Some(socket) = &self.0
            && let Err(error) = socket.send(what)
        {
            tracing::warn!("the service manager does not hear: {error}");
        }
    }
}
