//! `argus-mcp server`: the gateway itself.

mod arguments;
mod data;
mod demo;
mod listen;
mod run;
mod signals;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use argus_config::{Config, Loaded, Mode, Report, load, locate};
use tracing::warn;

pub(crate) use arguments::Arguments;
pub(crate) use run::options;
pub(crate) use signals::Signals;

use crate::environment;
use crate::failure::Failure;
use crate::logging;

/// Stands for `server.management.token`, and goes before it.
const MANAGEMENT_TOKEN: &str = "ARGUS_MGMT_TOKEN";
/// Adds to `server.allowed_origins`: origins with commas between them.
const ALLOWED_ORIGINS: &str = "ARGUS_ALLOWED_ORIGINS";

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (Loaded { config, warnings }, file) = configuration(arguments)?;
    let _logging = logging::start(&arguments.logging());
    log(&warnings);
    // It fails only if a provider is already there, which then is the same one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new().context("cannot start the asynchronous runtime")?;
    let served = runtime.block_on(run::run(config, file));
    runtime.shutdown_background();
    Ok(served?)
}

/// The configuration of the file or of the demo, and the file; with what the command line and the environment add to it.
fn configuration(arguments: &Arguments) -> Result<(Loaded, Option<PathBuf>), Failure> {
    let (mut loaded, file) = if arguments.demo {
        (demo()?, None)
    } else {
        let file = located(arguments.config.as_deref())?;
        (from(&file)?, Some(file))
    };
    let server = &mut loaded.config.server;
    if let Some(host) = &arguments.host {
        server.host.clone_from(host);
    }
    if let Some(port) = arguments.port {
        server.port = port;
    }
    if let Some(origins) = environment::lookup(ALLOWED_ORIGINS) {
        server
            .allow_origins(&origins)
            .context(ALLOWED_ORIGINS)
            .map_err(Failure::Usage)?;
    }
    if let Some(token) = environment::lookup(MANAGEMENT_TOKEN) {
        let wrong = |why| {
            Failure::Usage(anyhow!(
                "{MANAGEMENT_TOKEN} {why}; make one with `openssl rand -hex 32`"
            ))
        };
        server.management.use_token(&token).map_err(wrong)?;
    }
    Ok((loaded, file))
}

/// The configuration of the file that was asked for, or else of the one that is found.
pub(crate) fn from_file(asked: Option<&Path>) -> Result<Loaded, Failure> {
    from(&located(asked)?)
}

fn from(file: &Path) -> Result<Loaded, Failure> {
    Ok(load(file, &environment::lookup, Mode::Serve)?)
}

/// The file that was asked for, or else the one that is found.
fn located(asked: Option<&Path>) -> Result<PathBuf, Failure> {
    Ok(locate(asked, &environment::lookup, Path::new("."))?)
}

/// The configuration of the demo.
pub(crate) fn demo() -> Result<Loaded, Failure> {
    let config: Config = demo::config().context("cannot find out the path of this program")?;
    Ok(Loaded {
        config,
        warnings: Report::default(),
    })
}

/// Logs what works but is probably not meant.
pub(crate) fn log(warnings: &Report) {
    for finding in warnings.findings() {
        let remedy = finding.remedy().unwrap_or_default();
        warn!(
            "{}:{}:{}: {finding}; {remedy}",
            finding.file(),
            finding.line(),
            finding.column()
        );
    }
}
