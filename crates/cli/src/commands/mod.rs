//! One file for each command.

pub(crate) mod act;
pub(crate) mod backends;
pub(crate) mod call;
pub(crate) mod completions;
pub(crate) mod config;
mod connect;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod example;
mod follow;
pub(crate) mod healthcheck;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod prompt;
pub(crate) mod read;
pub(crate) mod reload;
pub(crate) mod server;
pub(crate) mod status;
pub(crate) mod stdio;
pub(crate) mod stop;
pub(crate) mod tools;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

/// Runs the command that was asked for.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::Server(arguments) => server::run(&arguments),
        Command::Stdio(arguments) => stdio::run(&arguments),
        Command::Status(arguments) => status::run(&arguments),
        Command::Stop(arguments) => stop::run(&arguments),
        Command::Reload(arguments) => reload::run(&arguments),
        Command::Backends(arguments) => backends::run(&arguments),
        Command::Tools(arguments) => tools::run(&arguments),
        Command::Call(arguments) => call::run(&arguments),
        Command::Read(arguments) => read::run(&arguments),
        Command::Prompt(arguments) => prompt::run(&arguments),
        Command::Events(arguments) => events::run(&arguments),
        Command::Logs(arguments) => logs::run(&arguments),
        Command::Reconnect(arguments) => act::reconnect(&arguments),
        Command::Restart(arguments) => act::restart(&arguments),
        Command::Enable(arguments) => act::enable(&arguments),
        Command::Disable(arguments) => act::disable(&arguments),
        Command::Config(command) => config::run(&command),
        Command::Healthcheck(arguments) => healthcheck::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments),
        Command::Example(arguments) => example::run(&arguments),
    }
}
