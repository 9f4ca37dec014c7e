//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{config, example, server, stdio};

/// A gateway for the Model Context Protocol: one address in front of many MCP servers.
#[derive(Debug, Parser)]
#[command(name = "argus-mcp", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the configured backends at one address
    Server(server::Arguments),
    /// Serve one client on standard input and output
    Stdio(stdio::Arguments),
    /// Check, describe or begin a configuration file
    #[command(subcommand, arg_required_else_help = true)]
    Config(config::Command),
    /// Run a built-in MCP server over standard input and output
    Example(example::Arguments),
}
