//! The arguments of `argus-odd`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use super::oddity::Oddity;
use crate::Journal;

/// An MCP server with one oddity. It ends with its stdin, unless that is the oddity.
#[derive(Debug, Parser)]
#[command(name = "argus-odd")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) oddity: Oddity,

    /// Serve over HTTP, at the URL that is printed first
    #[arg(long, global = true)]
    pub(crate) http: bool,

    /// Serve over HTTP+SSE, at the URL that is printed first
    #[arg(long, global = true, conflicts_with = "http")]
    pub(crate) sse: bool,

    /// The port to serve at
    #[arg(long, global = true, default_value = "0")]
    pub(crate) port: u16,

    /// Answer over HTTP with JSON bodies instead of event streams
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// The generation of the protocol to speak
    #[arg(long, global = true, value_enum, default_value = "legacy")]
    pub(crate) era: Era,

    /// The file to note in what happens
    #[arg(long, global = true, value_name = "FILE")]
    journal: Option<PathBuf>,
}

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Era {
    Legacy,
    Modern,
    Both,
}

impl Era {
    pub(crate) fn is_legacy(self) -> bool {
        self != Self::Modern
    }

    pub(crate) fn is_modern(self) -> bool {
        self != Self::Legacy
    }
}

impl Arguments {
    pub(crate) fn journal(&self) -> Option<Journal> {
        self.journal.clone().map(Journal::at)
    }
}
