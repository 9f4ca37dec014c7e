//! `argus-mcp read`: reads a resource.

use argus_api::ResourceResult;
use clap::Args;
use serde_json::Value;

use super::call::parsed;
use super::connect::{Connect, print_json};
use crate::failure::Failure;
use crate::output;
use crate::show::{Screen, content};

/// The arguments of `read`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The URI of the resource
    uri: String,

    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let result = arguments
        .connect
        .run(async |client| Ok(client.read_resource(&arguments.uri).await?))?;
    match arguments.connect.json {
        true => print_json(&result),
        false => show(&result),
    }
    Ok(())
}

fn show(result: &ResourceResult) {
    let screen = Screen::stdout();
    for item in parsed(&result.contents).as_array().map_or(&[][..], Vec::as_slice) {
        let text = content::resource(item, screen);
        match item.get("text") {
            // A text that ends its last line is not given another end.
            Some(Value::String(_)) => output::write(&text),
            _ => output::answer(text),
        }
    }
}
