//! `argus-mcp config ...`: check, describe or begin a configuration file.

mod init;
mod validate;

use clap::Subcommand;

use crate::failure::Failure;
use crate::output;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check a file and show everything that is wrong with it
    Validate(validate::Arguments),
    /// Print the JSON Schema of the file
    Schema,
    /// Write a commented config.yaml to start from
    Init(init::Arguments),
}

pub(crate) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Validate(arguments) => validate::run(arguments),
        Command::Schema => {
            output::answer(format_args!("{:#}", argus_config::schema()));
            Ok(())
        }
        Command::Init(arguments) => init::run(arguments),
    }
}
