//! The tools of the `echo` server: the list, and the way from a name to a tool.

mod asking;
mod changing;
mod plain;
mod reporting;

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::Echo;
use crate::arguments::Arguments;
use crate::ask::Stop;
use crate::call::Call;
use crate::example::unknown_tool;

/// All tools that are there now, in a fixed order.
pub(super) fn describe(server: &Echo) -> Vec<Value> {
    let mut tools = plain::describe();
    tools.extend(reporting::describe());
    tools.extend(asking::describe());
    tools.extend(changing::describe());
    if server.shouting.load(Ordering::Relaxed) {
        tools.push(changing::describe_shout());
    }
    tools
}

/// Calls a tool.
pub(super) async fn call(server: &Echo, name: &str, arguments: &Arguments, call: &Call) -> Result<Value, Stop> {
    match name {
        "echo" => plain::echo(arguments),
        "add" => plain::add(arguments),
        "sample_content" => Ok(plain::sample_content()),
        "fail" => plain::fail(arguments),
        "slow" => reporting::slow(arguments, call).await,
        "log" => reporting::log(arguments, call).await,
        "ask_user" => asking::ask_user(call).await,
        "ask_model" => asking::ask_model(arguments, call).await,
        "ask_roots" => asking::ask_roots(call).await,
        "introduce" => asking::introduce(call).await,
        "write_note" => changing::write_note(server, arguments, call).await,
        "toggle_shout" => Ok(changing::toggle_shout(server, call).await),
        "shout" if server.shouting.load(Ordering::Relaxed) => changing::shout(arguments),
        _ => Err(unknown_tool(name)),
    }
}

/// A tool with this input; every property named in `required` must be there.
fn tool(name: &str, title: &str, description: &str, properties: &Value, required: &[&str]) -> Value {
    json!({
        "name": name,
        "title": title,
        "description": description,
        "inputSchema": { "type": "object", "properties": properties, "required": required },
    })
}
