//! `argus-mcp server`: the gateway itself.

mod arguments;
mod data;
mod demo;
mod detach;
mod identity;
mod listen;
mod reload;
mod run;
mod seen;
mod signals;
mod systemd;
mod watch;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use argus_config::{Finding, LoadError, Loaded, Mode, Origin, Report, check, load, load_text, locate};
use tracing::warn;

pub(crate) use arguments::Arguments;
pub(crate) use data::place as data_folder;
pub(crate) use listen::bind;
pub(crate) use run::{NO_ROOTS, options};
use seen::Seen;
pub(crate) use signals::Signals;

use crate::environment;
use crate::failure::Failure;
use crate::logging;
use identity::Identity;

/// Stands for `server.management.token`, and goes before it.
const MANAGEMENT_TOKEN: &str = "ARGUS_MGMT_TOKEN";
/// Adds to `server.allowed_origins`: origins with commas between them.
const ALLOWED_ORIGINS: &str = "ARGUS_ALLOWED_ORIGINS";

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.detached_log {
        None if arguments.detach => return detach::run(arguments),
        None => {}
        Some(_) => detach::leave_terminal()?,
    }
    let source = Source::of(arguments)?;
    let Loaded {
        config,
        warnings,
        settings,
    } = source.read()?;
    let logging = logging::start(&arguments.logging());
    log(&warnings);
    // It fails only if a provider is already there, which then is the same one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new().context("cannot start the asynchronous runtime")?;
    let served = runtime.block_on(run::run(
        config,
        settings,
        source,
        Identity::of(arguments),
        logging.lost(),
    ));
    runtime.shutdown_background();
    Ok(served?)
}

/// Where the configuration comes from, with what the command line adds to it.
#[derive(Debug, Clone)]
struct Source {
    /// `None`: the demo.
    file: Option<PathBuf>,
    /// What was read of the file last, by whomever.
    seen: Seen,
    host: Option<String>,
    port: Option<u16>,
}

impl Source {
    fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let file = match arguments.demo {
            true => None,
            false => Some(located(arguments.config.as_deref())?),
        };
        Ok(Self {
            seen: Seen::of(file.as_deref()),
            file,
            host: arguments.host.clone(),
            port: arguments.port,
        })
    }

    /// Where the file is, wherever who asks for it may be.
    fn place(&self) -> Option<PathBuf> {
        let file = self.file.as_ref()?;
        Some(std::path::absolute(file).unwrap_or_else(|_| file.clone()))
    }

    /// Whether another process that reads it finds the same: a pipe gives what it has but once.
    fn can_be_read_again(&self) -> anyhow::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        match file.metadata() {
            Ok(known) if !known.is_file() && !known.is_dir() => Err(anyhow!(
                "--detach: {} is no regular file, and a gateway in the background cannot read it again; write the \
                 configuration into a file, or run the gateway without --detach",
                file.display()
            )),
            // What else is wrong with it is said by whoever reads it.
            _ => Ok(()),
        }
    }

    /// Reads it, with what the command line and the environment add.
    fn read(&self) -> Result<Loaded, Failure> {
        self.decided(match &self.file {
            Some(file) => load_text(file, &self.seen.read(file)?, &environment::lookup, Mode::Serve)?,
            None => demo()?,
        })
    }

    /// The same for who only wants to know: nothing of it takes effect, so nobody may take it for what was read last.
    fn look(&self) -> Result<Loaded, Failure> {
        self.decided(match &self.file {
            Some(file) => match self.seen.unreadable(file) {
                None => load(file, &environment::lookup, Mode::Serve)?,
                Some(why) => return Err(why),
            },
            None => demo()?,
        })
    }

    /// Checks a text as if it were the file, with what the command line and the environment add.
    fn check(&self, text: &str) -> Result<Loaded, Failure> {
        let place = self.place().unwrap_or_else(|| PathBuf::from("./config.yaml"));
        let folder = std::path::absolute(place.parent().unwrap_or(Path::new("."))).unwrap_or_default();
        let checked = check(
            &place.display().to_string(),
            text,
            &folder,
            &environment::lookup,
            Mode::Serve,
        );
        self.decided(checked.map_err(LoadError::Invalid)?)
    }

    /// The same with what the command line and the environment say.
    fn decided(&self, mut loaded: Loaded) -> Result<Loaded, Failure> {
        let (server, settings) = (&mut loaded.config.server, &mut loaded.settings);
        if let Some(host) = &self.host {
            server.host.clone_from(host);
            settings.decide("server.host", host.as_str().into(), Origin::CommandLine, None);
        }
        if let Some(port) = self.port {
            server.port = port;
            settings.decide("server.port", port.into(), Origin::CommandLine, None);
        }
        if let Some(origins) = environment::chosen(ALLOWED_ORIGINS) {
            server
                .allow_origins(&origins)
                .context(ALLOWED_ORIGINS)
                .map_err(Failure::Usage)?;
            let all = server.allowed_origins.as_slice().into();
            settings.decide(
                "server.allowed_origins",
                all,
                Origin::Environment,
                Some(ALLOWED_ORIGINS),
            );
        }
        if let Some(token) = environment::chosen(MANAGEMENT_TOKEN) {
            let wrong = |why| {
                Failure::Usage(anyhow!(
                    "{MANAGEMENT_TOKEN} {why}; make one with `openssl rand -hex 32`"
                ))
            };
            server.management.use_token(&token).map_err(wrong)?;
            settings.decide_secret("server.management.token", MANAGEMENT_TOKEN);
        }
        Ok(loaded)
    }
}

/// The configuration as the server would read it from the file, with what the environment adds.
pub(crate) fn as_served(file: &Path) -> Result<Loaded, Failure> {
    let source = Source {
        file: Some(file.to_owned()),
        seen: Seen::of(None),
        host: None,
        port: None,
    };
    source.read()
}

/// The configuration of the file that was asked for, or else of the one that is found.
pub(crate) fn from_file(asked: Option<&Path>) -> Result<Loaded, Failure> {
    Ok(load(&located(asked)?, &environment::lookup, Mode::Serve)?)
}

/// The file that was asked for, or else the one that is found.
pub(crate) fn located(asked: Option<&Path>) -> Result<PathBuf, Failure> {
    Ok(locate(asked, &environment::lookup, Path::new("."))?)
}

/// The configuration of the demo.
pub(crate) fn demo() -> Result<Loaded, Failure> {
    let text = demo::text().context("cannot find out the path of this program")?;
    let nothing = |_: &str| None;
    let mut loaded = check("--demo", &text, Path::new("/"), &nothing, Mode::Serve).map_err(LoadError::Invalid)?;
    loaded.settings = loaded.settings.of_command_line();
    Ok(loaded)
}

/// Logs what works but is probably not meant.
pub(crate) fn log(warnings: &Report) {
    for line in lines(warnings) {
        warn!("{line}");
    }
}

/// One line for each finding.
fn lines(report: &Report) -> impl Iterator<Item = String> {
    report.findings().iter().map(Finding::in_short)
}
