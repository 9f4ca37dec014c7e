//! From a configuration to a gateway that serves until it is told to stop.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use argus_config::{Config, Management, Settings};
use argus_gateway::{Gateway, Options};
use argus_runtime::GuardProgram;
use argus_server::{LostLines, Service};
use argus_upstream::HttpClient;
use tokio::net::TcpListener;
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;

use super::identity::Identity;
use super::signals::Signals;
use super::systemd::Manager;
use super::{Source, data, detach, listen, reload};

/// Binds the port, says so, and serves until a signal.
///
/// # Errors
/// The port cannot be bound, or serving failed.
pub(super) async fn run(
    config: Config,
    settings: Settings,
    source: Source,
    identity: Identity,
    lost_lines: LostLines,
) -> anyhow::Result<()> {
    let data = identity.data();
    let named = identity.take_name().await?;
    let signals = Signals::take().context("cannot watch for signals")?;
    let hangups = reload::hangups().context("cannot watch for signals")?;
    let options = options(&config, data.as_deref())?;
    let listener = listen::bind(&config.server).await?;
    let detached = named.is_detached();
    let mut present = named
        .begin(&config.server, listener.local_addr()?, source.place())
        .await;
    listen::announce(&config.server, &listener)?;
    if detached {
        detach::say(&present);
    }
    let shutdown = CancellationToken::new();
    tokio::spawn(signals.watch(shutdown.clone()));
    warn_of_open_management(&config.server.management);
    let service = Service {
        config_file: source.place(),
        settings,
        lost_lines,
        ..Service::default()
    };
    let ended = shutdown.clone();
    tokio::select! {
        // First, so that it is said before anything ends.
        biased;
        never = present.hears_of_the_end(&ended) => match never {},
        served = serve(listener, config, source, service, options, hangups, shutdown) => served,
    }
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
    source: Source,
    mut service: Service,
    options: Options,
    hangups: Signal,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    tracing::info!(backends = config.backends.len(), "serving");
    let config = Arc::new(config);
    let gateway = Gateway::start(Arc::clone(&config), options);
    service.reloader = reload::reloader(&gateway, &source, service.settings.clone());
    service.checker = Some(reload::checker(&source));
    let manager = Manager::of_environment();
    reload::begin(&source, service.reloader.clone(), hangups, &manager, &shutdown);
    manager.serving(listener.local_addr()?, &shutdown);
    tokio::select! {
        // First, so that it is said before anything ends.
        biased;
        never = manager.hears_of_the_end(&shutdown) => match never {},
        served = argus_server::serve(listener, gateway, &config.server, service, shutdown.clone()) => {
            served.context("cannot serve")
        }
    }
}

/// No authority is known here that could have signed a server's certificate.
pub(crate) const NO_ROOTS: &str = "cannot read the root certificates of the system: install them (on Debian: apt-get \
                                   install ca-certificates), or name a file of them in SSL_CERT_FILE";

/// What a gateway needs besides its configuration; `part` of the data folder is its own, or all of it.
pub(crate) fn options(config: &Config, part: Option<&Path>) -> anyhow::Result<Options> {
    let data_folder = data::folder(part);
    let guard = GuardProgram::this_program().context("cannot find out the path of this program")?;
    let http = HttpClient::new().context(NO_ROOTS)?;
    Ok(Options {
        seal: data::seal(&config.server.seal_keys, data_folder.as_deref())?,
        data_folder,
        guard,
        http,
    })
}
