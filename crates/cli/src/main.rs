//! The `argus-mcp` program: arguments, output for people, start and stop.

mod arguments;
mod commands;
mod environment;
mod failure;
mod logging;
mod output;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;

/// A call makes many small allocations, some freed by another thread. Without huge pages, which would be resident whole
/// though little of them is used.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The first argument with which the program starts itself as the guard of a backend.
const GUARD: &str = "__guard";

fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1).peekable();
    // Before anything else: a guard must not start a thread or read arguments as a person's.
    if words.next_if(|word| word == OsStr::new(GUARD)).is_some() {
        return argus_runtime::guard::main(words);
    }
    match commands::run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
