//! The arguments of `argus-mcp stdio`.

use std::path::PathBuf;

use clap::{ArgAction, Args};

use crate::logging::{self, Folder, Format, Level};

/// The arguments of `stdio`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Hand everything on to the MCP endpoint at this address, such as http://127.0.0.1:9000/mcp
    #[arg(long, value_name = "URL", conflicts_with_all = ["config", "demo"])]
    pub(super) url: Option<String>,

    /// Send this header with every request to --url; may be given more than once, and ${VAR} stands for a variable
    #[arg(long = "header", value_name = "NAME: VALUE", requires = "url")]
    pub(super) headers: Vec<String>,

    /// The configuration file of a gateway of its own [default: $ARGUS_CONFIG, config.yaml, config.yml]
    #[arg(short, long, value_name = "PATH")]
    pub(super) config: Option<PathBuf>,

    /// Serve the built-in example servers; needs no configuration file
    #[arg(long, conflicts_with = "config")]
    pub(super) demo: bool,

    /// Log more: -v is debug, -vv is trace; wins over --log-level
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,

    /// From which level on messages are logged
    #[arg(long, value_name = "LEVEL", default_value = "warning")]
    log_level: Level,

    /// How messages on standard error look
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: Format,

    /// The folder for log files, or `none` for no files
    #[arg(long, value_name = "DIR", default_value = "none")]
    log_dir: Folder,
}

impl Arguments {
    pub(super) fn logging(&self) -> logging::Options {
        let level = match self.verbose {
            0 => self.log_level,
            1 => Level::Debug,
            _ => Level::Trace,
        };
        logging::Options {
            level,
            format: self.log_format,
            folder: self.log_dir.clone(),
            background: false,
        }
    }
}
