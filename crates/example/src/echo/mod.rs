//! The `echo` server: every feature of MCP once, small enough to try by hand.

mod notes;
mod prompts;
mod resources;
mod tools;

use std::sync::atomic::AtomicBool;

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::ask::Stop;
use crate::call::Call;
use crate::example::Example;
use crate::fault::Fault;
use crate::message::Object;
use notes::Notes;

/// The server and what its tools change.
#[derive(Default)]
pub(crate) struct Echo {
    notes: Notes,
    /// Whether the tool `shout` is there.
    shouting: AtomicBool,
}

impl Example for Echo {
    fn identity(&self) -> (&'static str, &'static str) {
        ("argus-example-echo", "Echo")
    }

    fn instructions(&self) -> &'static str {
        "A server to try things with. `echo` and `add` answer at once, `slow` takes its time and reports progress, \
         `write_note` changes the resources note://{id}, and the `ask_` tools ask you or your user something back."
    }

    fn capabilities(&self) -> Value {
        json!({
            "tools": { "listChanged": true },
            "resources": { "subscribe": true, "listChanged": true },
            "prompts": {},
            "completions": {},
            "logging": {},
        })
    }

    fn tools(&self) -> Vec<Value> {
        tools::describe(self)
    }

    async fn call_tool(&self, name: &str, arguments: Arguments, call: &Call) -> Result<Value, Stop> {
        tools::call(self, name, &arguments, call).await
    }

    fn resources(&self) -> Vec<Value> {
        resources::list(&self.notes)
    }

    fn templates(&self) -> Vec<Value> {
        vec![resources::describe_template()]
    }

    fn read(&self, uri: &str) -> Option<Value> {
        resources::read(&self.notes, uri)
    }

    fn prompts(&self) -> Vec<Value> {
        prompts::list()
    }

    fn prompt(&self, name: &str, arguments: &Object) -> Result<Value, Fault> {
        prompts::get(&self.notes, name, arguments)
    }

    fn completions(&self, reference: &Value, argument: &str) -> Result<Vec<String>, Fault> {
        match (
            reference["type"].as_str(),
            reference["name"].as_str(),
            reference["uri"].as_str(),
            argument,
        ) {
            (Some("ref/prompt"), Some(prompts::TRANSLATE), _, "language") => Ok(prompts::languages()),
            (Some("ref/prompt"), Some(prompts::SUMMARIZE), _, "id")
            | (Some("ref/resource"), _, Some(resources::TEMPLATE), "id") => Ok(self.notes.ids()),
            _ => Err(Fault::InvalidParams(format!(
                "nothing completes the argument `{argument}` of this `ref`"
            ))),
        }
    }
}
