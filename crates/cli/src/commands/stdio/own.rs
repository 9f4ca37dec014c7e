//! In front of a gateway of its own.

use std::sync::Arc;

use argus_config::{Config, Loaded};
use argus_gateway::Gateway;
use argus_stdio::Stdout;
use argus_stdio::own::{Bounds, serve};
use tokio::io::{stdin, stdout};
use tokio_util::sync::CancellationToken;

use super::Arguments;
use crate::commands::server;
use crate::failure::Failure;
use crate::logging;

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Loaded { config, warnings } = if arguments.demo {
        server::demo()?
    } else {
        server::from_file(arguments.config.as_deref())?
    };
    let _logging = logging::start(&arguments.logging());
    server::log(&warnings);
    Ok(super::serve(|shutdown| gateway(config, shutdown))?)
}

/// Starts a gateway without a port, and serves the client from it.
async fn gateway(config: Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let config = Arc::new(config);
    let bounds = Bounds {
        max_message: config.server.max_body_bytes,
        finish: config.server.shutdown_timeout,
    };
    let gateway = Gateway::start(config, server::options()?);
    serve(stdin(), stdout(), &Stdout::own(), gateway, bounds, &shutdown).await;
    Ok(())
}
