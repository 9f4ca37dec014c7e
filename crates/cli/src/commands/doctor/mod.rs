//! `argus-mcp doctor`: what may keep a gateway from its work on this machine, and how to mend it. One file for each check.
//! Nothing is started, and nothing is written but a file in the data folder that is removed at once.

mod clock;
mod configuration;
mod disk;
mod files;
mod finding;
mod guard;
mod holder;
mod limits;
mod port;
mod programs;
mod reach;
mod tls;
mod watches;

use std::path::PathBuf;

use anyhow::Context;
use argus_config::Config;
use clap::Args;

use finding::{Finding, Level, Report};

use crate::commands::server;
use crate::failure::Failure;

/// The arguments of `doctor`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The configuration file [default: $ARGUS_CONFIG, config.yaml, config.yml]
    #[arg(short, long, value_name = "PATH")]
    config: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Exit code 1 when something is wrong.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // It fails only if a provider is already there, which then is the same one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new().context("cannot start the asynchronous runtime")?;
    let report = Report::new(runtime.block_on(examine(arguments)));
    // A name that is still being looked up holds up nothing.
    runtime.shutdown_background();
    report.show(arguments.json);
    match report.has_errors() {
        true => Err(Failure::said()),
        false => Ok(()),
    }
}

async fn examine(arguments: &Arguments) -> Vec<Finding> {
    let (mut findings, read) = configuration::check(arguments.config.as_deref());
    let data = server::data_folder();
    let (config, file) = match &read {
        Some(read) => (Some(&read.config), Some(read)),
        None => (None, None),
    };
    if let Some(config) = config {
        findings.extend(programs::check(config));
        findings.extend(port::check(&config.server).await);
    }
    let dates = match config {
        Some(config) => {
            let (found, dates) = reach::check(config).await;
            findings.extend(found);
            dates
        }
        None => Vec::new(),
    };
    findings.extend(tls::check());
    findings.extend(clock::check(&dates));
    findings.extend(files::check(data.as_deref(), file));
    findings.extend(disk::check(data.as_deref()));
    findings.extend(limits::check(config));
    findings.push(guard::check());
    if let Some(read) = file.filter(|read| read.config.feature_flags.hot_reload && read.path.is_file()) {
        findings.push(watches::check(&read.path));
    }
    findings
}

/// The backends that can be used, by their names.
fn backends(config: &Config) -> impl Iterator<Item = &argus_config::Backend> {
    let usable = config
        .backends
        .iter()
        .filter_map(|entry| entry.definition.as_ref().ok());
    usable.map(|backend| &**backend)
}
