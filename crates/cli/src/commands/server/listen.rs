//! The port: taking it, and saying where it is.

use std::io;

use anyhow::anyhow;
use argus_config::Server;
use tokio::net::TcpListener;

use crate::output;

/// Binds the configured address. A port whose former owner is gone is taken at once (`SO_REUSEADDR`).
///
/// # Errors
/// One line that names the address and what to do.
pub(crate) async fn bind(server: &Server) -> anyhow::Result<TcpListener> {
    let (host, port) = (server.host.as_str(), server.port);
    TcpListener::bind((host, port)).await.map_err(|error| {
        let address = address(host, port);
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                anyhow!(
                    "port {port} is busy: another program listens on {address}; stop it or choose another with --port"
                )
            }
            io::ErrorKind::PermissionDenied => {
                anyhow!("no permission to listen on {address}; choose a port from 1024 on with --port")
            }
            io::ErrorKind::AddrNotAvailable => {
                anyhow!(
                    "this machine does not have the address {host}; choose another with --host, for example 127.0.0.1"
                )
            }
            _ => anyhow!("cannot listen on {address}: {error}; check --host and --port"),
        }
    })
}

/// Says where the gateway can be reached, with the port that was really taken.
pub(super) fn announce(server: &Server, listener: &TcpListener) -> io::Result<()> {
    let address = address(&server.host, listener.local_addr()?.port());
    output::say(format_args!(
        "Argus MCP {} listening on http://{address}{}",
        env!("CARGO_PKG_VERSION"),
        server.transport.path()
    ));
    Ok(())
}

/// Host and port as a URL has them.
fn address(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
