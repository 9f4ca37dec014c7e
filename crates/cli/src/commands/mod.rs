//! One file for each command.

pub(crate) mod config;
pub(crate) mod example;
pub(crate) mod server;
pub(crate) mod stdio;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

/// Runs the command that was asked for.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Server(arguments) => server::run(&arguments),
        Command::Stdio(arguments) => stdio::run(&arguments),
        Command::Config(command) => config::run(&command),
        Command::Example(arguments) => example::run(&arguments),
    }
}
