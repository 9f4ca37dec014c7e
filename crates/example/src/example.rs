//! What a server in this crate is, apart from any era.

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::ask::Stop;
use crate::call::Call;
use crate::fault::Fault;
use crate::message::Object;

/// A server. What it does not override it does not have; [`Example::capabilities`] says what that is.
pub(crate) trait Example: Send + Sync + 'static {
    /// Its name and title.
    fn identity(&self) -> (&'static str, &'static str);

    /// What a model should know to use it well.
    fn instructions(&self) -> &'static str;

    /// The `ServerCapabilities` object. A method whose capability is absent is not found.
    fn capabilities(&self) -> Value;

    /// The tools, in a fixed order.
    fn tools(&self) -> Vec<Value>;

    /// Calls a tool: a `CallToolResult`, or the reason for none.
    fn call_tool(
        &self,
        name: &str,
        arguments: Arguments,
        call: &Call,
    ) -> impl Future<Output = Result<Value, Stop>> + Send;

    /// The resources, in a fixed order.
    fn resources(&self) -> Vec<Value> {
        Vec::new()
    }

    /// The resource templates.
    fn templates(&self) -> Vec<Value> {
        Vec::new()
    }

    /// The contents of a resource.
    fn read(&self, uri: &str) -> Option<Value> {
        let _ = uri;
        None
    }

    /// The prompts, in a fixed order.
    fn prompts(&self) -> Vec<Value> {
        Vec::new()
    }

    /// Renders a prompt.
    fn prompt(&self, name: &str, arguments: &Object) -> Result<Value, Fault> {
        let _ = arguments;
        Err(Fault::InvalidParams(format!("unknown prompt: {name}")))
    }

    /// All values that the argument of a prompt or template may take.
    fn completions(&self, reference: &Value, argument: &str) -> Result<Vec<String>, Fault> {
        let _ = (reference, argument);
        Err(Fault::InvalidParams("nothing can be completed here".into()))
    }

    /// The `Implementation` object.
    fn server_info(&self) -> Value {
        let (name, title) = self.identity();
        json!({ "name": name, "title": title, "version": env!("CARGO_PKG_VERSION") })
    }
}

/// The error for a tool that does not exist.
pub(crate) fn unknown_tool(name: &str) -> Stop {
    Stop::Fault(Fault::InvalidParams(format!("unknown tool: {name}")))
}

/// A tool result of one text.
pub(crate) fn text_result(text: impl Into<String>) -> Value {
    json!({ "content": [{ "type": "text", "text": text.into() }] })
}

/// A tool result of structured content, and the same as text for those who read only text.
pub(crate) fn structured_result(content: &Value) -> Value {
    json!({ "content": [{ "type": "text", "text": content.to_string() }], "structuredContent": content })
}
