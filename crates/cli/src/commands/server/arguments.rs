//! The arguments of `argus-mcp server`.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use crate::logging::{self, Folder, Format, Level};
use crate::running::Name;

/// The arguments of `server`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The host name or address to bind [default: server.host, 127.0.0.1]
    #[arg(long)]
    pub(super) host: Option<String>,

    /// The port to bind; 0 takes any free one [default: server.port, 9000]
    #[arg(long)]
    pub(super) port: Option<u16>,

    /// The configuration file [default: $ARGUS_CONFIG, config.yaml, config.yml]
    #[arg(short, long, value_name = "PATH")]
    pub(super) config: Option<PathBuf>,

    /// Serve the built-in example servers; needs no configuration file
    #[arg(long, conflicts_with = "config")]
    pub(super) demo: bool,

    /// Run in the background; says where it listens once it does
    #[arg(short, long)]
    pub(super) detach: bool,

    /// With --detach: print JSON
    #[arg(long, requires = "detach")]
    pub(super) json: bool,

    /// What this gateway is called: lowercase letters, digits and `-` [default: `default` at port 9000, else argus-PORT]
    #[arg(long)]
    pub(super) name: Option<Name>,

    /// Where what is said in the background goes; given by --detach
    #[arg(long, value_name = "PATH", hide = true)]
    pub(super) detached_log: Option<PathBuf>,

    /// From which level on messages are logged
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: Level,

    /// Log more: -v is debug, -vv is trace; wins over --log-level
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,

    /// Log warnings and errors only; wins over --log-level
    #[arg(short, long, visible_alias = "silent")]
    quiet: bool,

    /// How messages on standard error look
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: Format,

    /// The folder for log files, or `none` for no files
    #[arg(long, value_name = "DIR", default_value = "logs")]
    log_dir: Folder,
}

impl Arguments {
    pub(super) fn logging(&self) -> logging::Options {
        let level = match (self.quiet, self.verbose) {
            (true, _) => Level::Warning,
            (false, 0) => self.log_level,
            (false, 1) => Level::Debug,
            (false, _) => Level::Trace,
        };
        logging::Options {
            level,
            format: self.log_format,
            folder: self.log_dir.clone(),
            background: self.detached_log.is_some(),
        }
    }
}
