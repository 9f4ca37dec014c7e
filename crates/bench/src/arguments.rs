//! The command line.

use std::path::PathBuf;

use argus_bench::backend::{Answers, Eras};
use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Calls between the generations
    Eras,
    /// Lists of 1,000 tools in one page
    List,
    /// Resident memory: idle, per session, after many calls
    Memory,
}

/// The program as one of its own backends.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Command {
    #[command(hide = true)]
    HttpBackend(Kind),
    #[command(hide = true)]
    StdioBackend(Kind),
}

/// What a backend of the benchmark answers.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Kind {
    /// How many tools it lists.
    #[arg(long)]
    pub(crate) tools: usize,
    /// What it speaks.
    #[arg(long)]
    pub(crate) eras: Eras,
}

impl Kind {
    pub(crate) fn answers(self) -> Answers {
        Answers::new(self.tools, self.eras)
    }

    /// The command line of a backend of this kind.
    pub(crate) fn arguments(self, command: &str) -> [String; 5] {
        let eras = match self.eras {
            Eras::Both => "both",
            Eras::Legacy => "legacy",
            Eras::Modern => "modern",
        };
        [command, "--tools", &self.tools.to_string(), "--eras", eras].map(str::to_owned)
    }
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
