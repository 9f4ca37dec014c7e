//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{
    act, backends, call, completions, config, doctor, events, example, healthcheck, logs, man, prompt, read, reload,
    server, status, stdio, stop, tools,
};

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
    /// Show the gateways that run here, or the one at --url
    Status(status::Arguments),
    /// Stop a gateway that runs here
    Stop(stop::Arguments),
    /// Let a gateway read its configuration again
    Reload(reload::Arguments),
    /// Show the backends of a gateway
    Backends(backends::Arguments),
    /// Show the tools that clients of a gateway see
    Tools(tools::Arguments),
    /// Call a tool
    Call(call::Arguments),
    /// Read a resource
    Read(read::Arguments),
    /// Get a prompt
    Prompt(prompt::Arguments),
    /// Show what happened to a gateway and its backends
    Events(events::Arguments),
    /// Show what a backend writes to its stderr
    Logs(logs::Arguments),
    /// Make the connections and processes of a backend anew
    Reconnect(act::Arguments),
    /// Restart a backend: its old processes end before others begin
    Restart(act::Arguments),
    /// Let a disabled backend run again
    Enable(act::Arguments),
    /// Take a backend away until it is enabled
    Disable(act::Arguments),
    /// Check, describe or begin a configuration file
    #[command(subcommand, arg_required_else_help = true)]
    Config(config::Command),
    /// Look for what may keep a gateway from its work here, and say how to mend it
    Doctor(doctor::Arguments),
    /// Ask a gateway of this machine whether it lives: exit code 0 when it does
    Healthcheck(healthcheck::Arguments),
    /// Print a script with which a shell completes this command line
    Completions(completions::Arguments),
    /// Print the manual page, or write those of all commands
    Man(man::Arguments),
    /// Run a built-in MCP server over standard input and output
    Example(example::Arguments),
}
