//! `argus-mcp call`: calls a tool.

mod given;
mod schema;

use argus_api::{CapabilityType, ToolResult};
use argus_client::{CapabilityQuery, Client};
use clap::Args;
use serde_json::Value;
use serde_json::value::RawValue;

use self::schema::Schema;
use super::connect::{Connect, print_json};
use crate::failure::Failure;
use crate::output;
use crate::show::{Screen, content};

pub(crate) use given::{object, pairs};

/// The arguments of `call`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The tool, by the name that `argus-mcp tools` shows
    tool: String,

    /// An argument of the tool; JSON where its schema wants something else than a text, or does not say. May be given more than once
    #[arg(short, long = "arg", value_name = "NAME=VALUE", conflicts_with = "json_arguments")]
    arguments: Vec<String>,

    /// All arguments as a JSON object; `-` reads it from standard input, `@FILE` from a file
    #[arg(short, long = "json-args", value_name = "JSON")]
    json_arguments: Option<String>,

    #[command(flatten)]
    connect: Connect,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // What is wrong with them is found before anything is asked.
    let pairs = pairs(&arguments.arguments).map_err(Failure::Usage)?;
    let given = arguments
        .json_arguments
        .as_deref()
        .map(object)
        .transpose()
        .map_err(Failure::Usage)?;
    let result = arguments.connect.run(async |client| {
        let given = match given {
            Some(given) => Some(given),
            None if pairs.is_empty() => None,
            None => Some(schema_of(&client, &arguments.tool).await?.fitted(&pairs)?),
        };
        Ok(client.call_tool(&arguments.tool, given).await?)
    })?;
    match arguments.connect.json {
        true => print_json(&result),
        false => show(&result),
    }
    match result.is_error {
        true => Err(Failure::said()),
        false => Ok(()),
    }
}

/// What the tool says of its arguments; nothing when it is not there, which the call then says better.
async fn schema_of(client: &Client, tool: &str) -> Result<Schema, Failure> {
    let query = CapabilityQuery {
        kind: Some(CapabilityType::Tools),
        search: Some(tool),
        ..CapabilityQuery::default()
    };
    let list = client.capabilities(&query).await?;
    let found = list.tools.iter().find(|found| found.name == tool);
    Ok(Schema::read(found.map(|found| &*found.input_schema)))
}

/// What a tool says goes to standard output; why it failed, to standard error.
fn show(result: &ToolResult) {
    let screen = Screen::stdout();
    let content = parsed(&result.content);
    let structured = result.structured_content.as_deref().map(parsed);
    let text = content::result(&content, structured.as_ref(), screen);
    match (result.is_error, text.as_str()) {
        (true, "") => output::say("error: the tool failed and does not say why"),
        (true, text) => output::say(text),
        (false, "") => {}
        (false, text) => output::answer(text),
    }
}

pub(crate) fn parsed(raw: &RawValue) -> Value {
    serde_json::from_str(raw.get()).unwrap_or_default()
}
