//! `argus-mcp config validate`: everything that is wrong with a file.

use std::path::{Path, PathBuf};

use argus_config::{Mode, load, locate};
use clap::Args;

use crate::environment;
use crate::failure::Failure;
use crate::output;

/// The arguments of `config validate`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The file; without it the one that the server would read
    file: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let path = locate(arguments.file.as_deref(), &environment::lookup, Path::new("."))?;
    let loaded = load(&path, &environment::lookup, Mode::Check)?;
    let backends = match loaded.config.backends.len() {
        1 => "1 backend".to_owned(),
        count => format!("{count} backends"),
    };
    output::answer(format_args!("{} is valid: {backends}", path.display()));
    Ok(())
}
