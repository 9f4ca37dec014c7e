//! From a configuration to a gateway that serves until it is told to stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use argus_config::{Config, Management};
use argus_gateway::{Gateway, Options};
use argus_runtime::GuardProgram;
use argus_server::Service;
use argus_upstream::HttpClient;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::signals::Signals;
use super::{data, listen};

/// Binds the port, says so, and serves until a signal.
///
/// # Errors
/// The port cannot be bound, or serving failed.
pub(super) async fn run(config: Config, file: Option<PathBuf>) -> anyhow::Result<()> {
    let signals = Signals::take().context("cannot watch for signals")?;
    let listener = listen::bind(&config.server).await?;
    listen::announce(&config.server, &listener)?;
    let shutdown = CancellationToken::new();
    tokio::spawn(signals.watch(shutdown.clone()));
    warn_of_open_management(&config.server.management);
    // Whoever asks where it is may be somewhere else.
    let config_file = file.map(|file| std::path::absolute(&file).unwrap_or(file));
    let service = Service { config_file };
    serve(listener, config, service, shutdown).await
}

fn warn_of_open_management(management: &Management) {
    if management.enabled && management.token.is_none() {
        tracing::warn!(
            "the management API asks for no token and answers only this machine; set server.management.token or \
             ARGUS_MGMT_TOKEN to manage from elsewhere, and where other users share this machine"
        );
    }
}

/// Serves on `listener` until `shutdown` is cancelled, then stops within `server.shutdown_timeout`.
async fn serve(
    listener: TcpListener,
    config: Config,
    service: Service,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    tracing::info!(backends = config.backends.len(), "serving");
    let config = Arc::new(config);
    let gateway = Gateway::start(Arc::clone(&config), options(&config, None)?);
    argus_server::serve(listener, gateway, &config.server, service, shutdown)
        .await
        .context("cannot serve")
}

/// What a gateway needs besides its configuration; `part` of the data folder is its own, or all of it.
pub(crate) fn options(config: &Config, part: Option<&Path>) -> anyhow::Result<Options> {
    let data_folder = data::folder(part);
    let guard = GuardProgram::this_program().context("cannot find out the path of this program")?;
    let http = HttpClient::new().context("cannot read the root certificates of the system")?;
    Ok(Options {
        seal: data::seal(&config.server.seal_keys, data_folder.as_deref())?,
        data_folder,
        guard,
        http,
    })
}
