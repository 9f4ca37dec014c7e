//! In front of a gateway of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use argus_config::{Config, Loaded, locate};
use argus_gateway::Gateway;
use argus_stdio::Stdout;
use argus_stdio::own::{Bounds, serve};
use sha2::{Digest, Sha256};
use tokio::io::{stdin, stdout};
use tokio_util::sync::CancellationToken;

use super::Arguments;
use crate::commands::server;
use crate::environment;
use crate::failure::Failure;
use crate::logging;

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let Loaded { config, warnings, .. } = if arguments.demo {
        server::demo()?
    } else {
        server::from_file(arguments.config.as_deref())?
    };
    let _logging = logging::start(&arguments.logging());
    server::log(&warnings);
    let data = part_of(arguments);
    Ok(super::serve(|shutdown| gateway(config, data, shutdown))?)
}

/// The part of the data folder for gateways of this configuration. The rest belongs to `argus-mcp server`, which may run
/// at the same time, and removes what it knows of no backend.
fn part_of(arguments: &Arguments) -> PathBuf {
    let found = match arguments.demo {
        true => PathBuf::from("demo"),
        false => locate(arguments.config.as_deref(), &environment::lookup, Path::new(".")).unwrap_or_default(),
    };
    let digest = Sha256::digest(
        std::path::absolute(&found)
            .unwrap_or(found)
            .as_os_str()
            .as_encoded_bytes(),
    );
    let name: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    Path::new("stdio").join(name)
}

/// Starts a gateway without a port, and serves the client from it.
async fn gateway(config: Config, data: PathBuf, shutdown: CancellationToken) -> anyhow::Result<()> {
    let config = Arc::new(config);
    let bounds = Bounds {
        max_message: config.server.max_body_bytes,
        finish: config.server.shutdown_timeout,
    };
    let options = server::options(&config, Some(&data))?;
    let gateway = Gateway::start(config, options);
    serve(stdin(), stdout(), &Stdout::own(), gateway, bounds, &shutdown).await;
    Ok(())
}
