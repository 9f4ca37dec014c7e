//! What makes the gateway read its configuration again: SIGHUP, and the file itself when it changes.

use std::io;

use argus_config::{LoadError, Settings};
use argus_gateway::Gateway;
use argus_server::{Checker, Objection, Reloader};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::systemd::Manager;
use super::{Source, lines, log, watch};
use crate::failure::Failure;

/// Reloads from where the configuration came from; `None` where that was no file.
pub(super) fn reloader(gateway: &Gateway, source: &Source, settings: Settings) -> Option<Reloader> {
    let file = source.file.clone()?;
    let source = source.clone();
    let load = move || match source.seen.can_read(&file).and_then(|()| source.read()) {
        Ok(loaded) => {
            log(&loaded.warnings);
            Ok(loaded)
        }
        Err(failure) => Err(errors(&failure)),
    };
    Some(Reloader::new(gateway.clone(), settings, Box::new(load)))
}

/// Checks configurations as those are that the server reads.
pub(super) fn checker(source: &Source) -> Checker {
    let source = source.clone();
    let check = move |text: Option<&str>| {
        let read = match text {
            Some(text) => source.check(text),
            None if source.file.is_none() => {
                let nothing = "the gateway was started without a configuration file; send one to check it";
                return Err(vec![nothing.to_owned().into()]);
            }
            None => source.look(),
        };
        read.map_err(|failure| objections(&failure))
    };
    Checker::new(Box::new(check))
}

fn objections(failure: &Failure) -> Vec<Objection> {
    match failure {
        Failure::Configuration(LoadError::Invalid(report)) => report.findings().iter().map(Objection::from).collect(),
        other => errors(other).into_iter().map(Objection::from).collect(),
    }
}

/// All that is wrong, a line for each.
fn errors(failure: &Failure) -> Vec<String> {
    match failure {
        Failure::Configuration(LoadError::Invalid(report)) => lines(report).collect(),
        Failure::Configuration(error) => vec![error.to_string()],
        Failure::Usage(error) | Failure::Runtime(error) | Failure::Unreachable(error) => vec![format!("{error:#}")],
        Failure::Said(_) => vec!["the configuration cannot be read".to_owned()],
    }
}

/// SIGHUP, which from here on no longer ends the process.
pub(super) fn hangups() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Reloads at each SIGHUP, and when the file changes, until `shutdown`.
pub(super) fn begin(
    source: &Source,
    reloader: Option<Reloader>,
    hangups: Signal,
    manager: &Manager,
    shutdown: &CancellationToken,
) {
    let watched = reloader.clone().zip(source.place());
    let can_change = |(reloader, _): &(Reloader, _)| reloader.is_enabled() && source.seen.can_change();
    if let Some((reloader, file)) = watched.filter(can_change) {
        let watching = watch::run(file, source.seen.clone(), reloader);
        let shutdown = shutdown.clone();
        tokio::spawn(async move { shutdown.run_until_cancelled(watching).await });
    }
    let (shutdown, manager) = (shutdown.clone(), manager.clone());
    tokio::spawn(async move {
        let reloading = at_hangups(hangups, reloader, manager);
        shutdown.run_until_cancelled(reloading).await
    });
}

async fn at_hangups(mut hangups: Signal, reloader: Option<Reloader>, manager: Manager) {
    while hangups.recv().await.is_some() {
        manager.reloading();
        manager.reloaded(at_hangup(reloader.as_ref()).await);
    }
}

/// Gives what became of it.
async fn at_hangup(reloader: Option<&Reloader>) -> &'static str {
    let Some(reloader) = reloader else {
        tracing::warn!("SIGHUP: the gateway was started without a configuration file; there is nothing to reload");
        return "there is no configuration file to reload";
    };
    tracing::info!("SIGHUP: the configuration is read again");
    // What is wrong with it is logged where it is found.
    match reloader.reload().await {
        Ok(told) if told.reloaded => "serving the configuration that was reloaded",
        Ok(_) => "serving the former configuration: the file has errors, which the log names",
        Err(disabled) => {
            tracing::warn!("{disabled}");
            "serving the former configuration: reloading is switched off"
        }
    }
}
