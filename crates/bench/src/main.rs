//! `argus-bench`: measures what the gateway costs, beside a direct connection and nginx in the same run.

mod arguments;
mod argus;
mod bench;
mod client;
mod cpu;
mod memory;
mod nginx;
mod peer;
mod process;
mod report;
mod sections;
mod sessions;
mod way;
mod wrk;

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use argus_bench::backend::{self, Answers};
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = match arguments.command {
        Some(Command::HttpBackend(kind)) => run(serve_http(kind.answers())),
        Some(Command::StdioBackend(kind)) => {
            backend::stdio::serve(io::stdin(), io::stdout(), &kind.answers()).map_err(anyhow::Error::from)
        }
        None => run(measure(&arguments)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(work);
    // A read of stdin may still be under way.
    runtime.shutdown_background();
    ended
}

/// Measures until done or until a signal; whatever was started is stopped either way.
async fn measure(arguments: &Arguments) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let report = tokio::select! {
        report = sections::run(arguments) => report?,
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
        _ = terminate.recv() => anyhow::bail!("terminated"),
    };
    let text = if arguments.markdown {
        report.markdown()
    } else {
        report.text()
    };
    io::stdout()
        .write_all(text.as_bytes())
        .context("the report cannot be written")
}

/// The backend behind a URL: says its port, and ends with its standard input, which is with whoever started it.
async fn serve_http(answers: Answers) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening {}", listener.local_addr()?.port())?;
    stdout.flush()?;
    let over = tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink()));
    tokio::select! {
        served = backend::http::serve(listener, Arc::new(answers)) => Ok(served?),
        _ = over => Ok(()),
    }
}
