//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Measures what Argus MCP costs per call, beside a direct connection and nginx in the same run.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Short runs, to see that everything works; the figures mean little
    #[arg(long)]
    pub(crate) quick: bool,

    /// Measure this only; may be given more than once
    #[arg(long, value_name = "SECTION")]
    only: Vec<Section>,

    /// The gateway to measure [default: argus-mcp is built with `cargo build --release`]
    #[arg(long, value_name = "PATH")]
    pub(crate) argus: Option<PathBuf>,

    /// How long each load lasts, in seconds
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,

    /// Print tables for docs/performance.md
    #[arg(long)]
    pub(crate) markdown: bool,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// Calls with results of 100 bytes
    Calls,
    /// Calls with results of 1 MiB
    Large,
    /// Lists of 1,000 tools in one page
    List,
    /// Resident memory: idle, per session, after many calls
    Memory,
}

/// The program as one of its own backends.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Command {
    #[command(hide = true)]
    HttpBackend {
        #[arg(long)]
        tools: usize,
    },
    #[command(hide = true)]
    StdioBackend {
        #[arg(long)]
        tools: usize,
    },
}

impl Arguments {
    pub(crate) fn wants(&self, section: Section) -> bool {
        self.only.is_empty() || self.only.contains(&section)
    }

    /// How long each load lasts, in seconds.
    pub(crate) fn seconds(&self) -> u32 {
        if self.quick { 1 } else { self.seconds }
    }
}
