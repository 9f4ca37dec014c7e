//! `argus-mcp man`: manual pages, one for each command.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use crate::arguments;
use crate::failure::Failure;
use crate::output;

/// The arguments of `man`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Write the pages of all commands into this folder, instead of the page of the program to standard output
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut program = arguments::Arguments::command().disable_help_subcommand(true);
    program.build();
    match &arguments.dir {
        None => {
            let page = page(program).context("cannot make the page")?;
            output::answer(String::from_utf8_lossy(&page).trim_end());
        }
        Some(folder) => {
            let wanted = || format!("cannot write to {}", folder.display());
            fs::create_dir_all(folder).with_context(wanted)?;
            all(&program, folder).with_context(wanted)?;
        }
    }
    Ok(())
}

/// Writes the page of a command, and those of the commands below it.
fn all(command: &Command, folder: &Path) -> io::Result<()> {
    let path = folder.join(format!("{}.1", name(command)));
    fs::write(&path, page(command.clone())?)?;
    output::answer(path.display());
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        all(below, folder)?;
    }
    Ok(())
}

/// `argus-mcp config init` is `argus-mcp-config-init`.
fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}
