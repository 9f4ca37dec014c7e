//! `argus-mcp stdio`: MCP on standard input and output.

mod arguments;
mod own;
mod remote;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

pub(crate) use arguments::Arguments;

use super::server::Signals;
use crate::failure::Failure;

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.url {
        Some(url) => remote::run(arguments, url),
        None => own::run(arguments),
    }
}

/// Lets something serve the client until a signal; the parameter is cancelled at the first one.
fn serve<F: Future<Output = anyhow::Result<()>>>(served: impl FnOnce(CancellationToken) -> F) -> anyhow::Result<()> {
    // It fails only if a provider is already there, which then is the same one.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new().context("cannot start the asynchronous runtime")?;
    let done = runtime.block_on(async {
        let signals = Signals::take().context("cannot watch for signals")?;
        let shutdown = CancellationToken::new();
        tokio::spawn(signals.watch(shutdown.clone()));
        served(shutdown).await
    });
    // A thread of the runtime may still wait for input; the end of the process ends it.
    runtime.shutdown_background();
    done
}
