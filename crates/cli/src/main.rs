//! The `argus-mcp` program: arguments, output for people, start and stop.

mod arguments;
mod commands;
mod environment;
mod failure;
mod http;
mod logging;
mod output;
mod running;
mod show;

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
    // The first process of a container has duties of its own; the program runs below it.
    if argus_runtime::init::is_first() {
        match argus_runtime::init::main() {
            Ok(code) => return code,
            Err(error) => output::say(format_args!("warning: nobody waits for orphans: {error}")),
        }
    }
    match commands::run(Arguments::parse()) {
        Ok(()) => written(ExitCode::SUCCESS),
        Err(failure) => written(failure.report()),
    }
}

/// The exit code, or that of a failure when what was asked for could not be written.
fn written(code: ExitCode) -> ExitCode {
    match output::lost() {
        Some(error) => {
            output::say(format_args!("error: cannot write to standard output: {error}"));
            match code == ExitCode::SUCCESS {
                true => ExitCode::FAILURE,
                false => code,
            }
        }
        None => code,
    }
}
