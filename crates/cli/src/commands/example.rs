//! `argus-mcp example <name>`: an MCP server over standard input and output.

use anyhow::Context;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::failure::Failure;

/// The arguments of `example`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Which server
    #[arg(value_parser = names())]
    name: String,
}

fn names() -> PossibleValuesParser {
    argus_example::NAMES
        .iter()
        .map(|(name, about)| PossibleValue::new(*name).help(*about))
        .collect::<Vec<_>>()
        .into()
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?;
    let served = runtime.block_on(argus_example::run_stdio(&arguments.name));
    // A thread of the runtime may still wait for input; the end of the process ends it.
    runtime.shutdown_background();
    Ok(served.context("the example server failed")?)
}
