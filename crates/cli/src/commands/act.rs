//! `argus-mcp reconnect`, `restart`, `enable` and `disable`: what can be done to a backend.

use argus_api::BackendAction;
use argus_client::{Answer, Client};
use clap::Args;

use super::backends;
use super::connect::{Connect, print_json};
use crate::failure::Failure;
use crate::output;
use crate::show::line;

/// What becomes of a backend that does not answer: attempts go on.
const NOT_READY: &str = "is not ready";

/// The arguments of these commands.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The backend
    #[arg(value_parser = backends::name)]
    backend: String,

    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn reconnect(arguments: &Arguments) -> Result<(), Failure> {
    let name = &arguments.backend;
    let done = arguments
        .connect
        .run(async |client| Ok(client.reconnect(name).await?))?;
    if arguments.connect.json {
        print_json(&done);
    }
    told(
        arguments,
        "reconnected",
        done.reconnected,
        done.error.as_deref(),
        NOT_READY,
    )
}

pub(crate) fn restart(arguments: &Arguments) -> Result<(), Failure> {
    act(arguments, NOT_READY, async |client, name| {
        Ok(client.restart(name).await?)
    })
}

pub(crate) fn enable(arguments: &Arguments) -> Result<(), Failure> {
    act(arguments, NOT_READY, async |client, name| {
        Ok(client.enable(name).await?)
    })
}

pub(crate) fn disable(arguments: &Arguments) -> Result<(), Failure> {
    act(arguments, "is not disabled", async |client, name| {
        Ok(client.disable(name).await?)
    })
}

fn act(
    arguments: &Arguments,
    failed: &str,
    ask: impl AsyncFnOnce(Client, &str) -> Result<Answer<BackendAction>, Failure>,
) -> Result<(), Failure> {
    let done = arguments
        .connect
        .run(async |client| ask(client, &arguments.backend).await)?;
    if arguments.connect.json {
        print_json(&done);
    }
    told(arguments, &done.action, done.ok, done.error.as_deref(), failed)
}

/// Says what came of it, unless the JSON did.
fn told(arguments: &Arguments, done: &str, ok: bool, error: Option<&str>, failed: &str) -> Result<(), Failure> {
    let name = line(&arguments.backend);
    match (ok, arguments.connect.json) {
        (true, true) => {}
        (true, false) => output::answer(format_args!("{name} is {}", line(done))),
        (false, true) => return Err(Failure::said()),
        (false, false) => {
            let why = line(error.unwrap_or("the gateway does not say why"));
            output::say(format_args!("error: {name} {failed}: {why}"));
            return Err(Failure::said());
        }
    }
    Ok(())
}
