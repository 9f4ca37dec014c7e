//! `argus-mcp prompt`: gets a prompt.

use argus_api::PromptResult;
use clap::Args;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::call::{pairs, parsed};
use super::connect::{Connect, print_json};
use crate::failure::Failure;
use crate::output;
use crate::show::{Colour, Screen, content, line};

/// The arguments of `prompt`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The name of the prompt
    name: String,

    /// An argument of the prompt; may be given more than once
    #[arg(short, long = "arg", value_name = "NAME=VALUE")]
    arguments: Vec<String>,

    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let pairs = pairs(&arguments.arguments).map_err(Failure::Usage)?;
    let given = match pairs.as_slice() {
        [] => None,
        // Arguments of prompts are texts.
        pairs => Some(texts(pairs)?),
    };
    let result = arguments
        .connect
        .run(async |client| Ok(client.get_prompt(&arguments.name, given).await?))?;
    match arguments.connect.json {
        true => print_json(&result),
        false => output::answer(shown(&result, Screen::stdout())),
    }
    Ok(())
}

fn texts(pairs: &[(&str, &str)]) -> anyhow::Result<Box<RawValue>> {
    let object: Map<String, Value> = pairs
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.into()))
        .collect();
    Ok(serde_json::value::to_raw_value(&object)?)
}

fn shown(result: &PromptResult, screen: Screen) -> String {
    let messages = parsed(&result.messages);
    let messages = messages.as_array().map_or(&[][..], Vec::as_slice);
    let messages = messages.iter().map(|message| {
        let role = line(message["role"].as_str().unwrap_or("?"));
        let role = screen.paint(Colour::Head, &format!("{role}:"));
        format!("{role} {}", content::item(&message["content"], screen))
    });
    let about = result.description.iter().map(|about| content::text(about, screen));
    about.chain(messages).collect::<Vec<_>>().join("\n")
}
