//! The odd backends. Each follows a script (`script.rs`) over stdio, HTTP or HTTP+SSE; the oddities are in the script, or around it.

mod arguments;
mod engine;
mod fill;
mod http;
mod oddity;
mod out;
mod script;
mod sse;
mod stdio;
mod temper;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use arguments::Arguments;
use engine::Engine;

/// Runs `argus-odd` with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            // Nobody is left to be told if this fails.
            let _ = writeln!(std::io::stderr(), "argus-odd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let Some(script) = temper::before(&arguments).await? else {
            return Ok(());
        };
        let engine = Arc::new(Engine::new(script, arguments.era, arguments.journal()));
        engine.note("start", "");
        if arguments.http {
            http::serve(&engine, &arguments).await?;
        } else if arguments.sse {
            sse::serve(&engine, &arguments).await?;
        } else {
            stdio::serve(&engine).await?;
        }
        engine.note("end", "");
        temper::after(&arguments).await;
        Ok(())
    })
}
