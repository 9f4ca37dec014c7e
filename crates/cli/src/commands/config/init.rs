//! `argus-mcp config init`: a commented file to start from.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, anyhow};
use clap::Args;

use crate::failure::Failure;
use crate::output;

const PATH: &str = "config.yaml";

/// The arguments of `config init`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Overwrite a config.yaml that is already there
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let program = std::env::current_exe().context("cannot find out the path of this program")?;
    let text = argus_config::starter(&program.to_string_lossy());
    let mut file = open(arguments.force)?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("cannot write {PATH}"))?;
    output::answer(
        std::path::absolute(PATH)
            .unwrap_or_else(|_| Path::new(PATH).to_owned())
            .display(),
    );
    Ok(())
}

/// Opens the file for its owner only: people write secrets into it.
fn open(force: bool) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    options.open(PATH).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => anyhow!("{PATH} already exists; overwrite it with --force"),
        _ => anyhow!(error).context(format!("cannot write {PATH}")),
    })
}
