//! The methods both eras share: from method and params to a question to the server.

use argus_protocol::method;
use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::ask::{Ask, Stop};
use crate::call::Call;
use crate::example::Example;
use crate::fault::Fault;
use crate::message::Object;

/// Completion answers carry at most this many values (MCP "Completion").
const COMPLETIONS: usize = 100;

/// Why an operation has no result yet.
pub(crate) enum Halt {
    /// The request is wrong.
    Fault(Fault),
    /// The client must answer this first and call again (modern era).
    Ask { key: &'static str, ask: Ask },
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Carries out a request that is not particular to an era; the result is as in the legacy era.
pub(crate) async fn perform<S: Example>(server: &S, method: &str, params: &Object, call: &Call) -> Result<Value, Halt> {
    let capability = capability(method).ok_or_else(|| Fault::MethodNotFound(method.to_owned()))?;
    if server.capabilities().get(capability).is_none() {
        return Err(Fault::MethodNotFound(method.to_owned()).into());
    }
    match method {
        method::TOOLS_CALL => return call_tool(server, params, call).await,
        method::TOOLS_LIST => list(params, "tools", server.tools()),
        method::RESOURCES_LIST => list(params, "resources", server.resources()),
        method::TEMPLATES_LIST => list(params, "resourceTemplates", server.templates()),
        method::RESOURCES_READ => read(server, params),
        method::PROMPTS_LIST => list(params, "prompts", server.prompts()),
        method::PROMPTS_GET => prompt(server, params),
        _ => complete(server, params),
    }
    .map_err(Halt::Fault)
}

/// A text parameter that must be there.
pub(crate) fn text<'a>(params: &'a Object, name: &str) -> Result<&'a str, Fault> {
    params
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| Fault::InvalidParams(format!("`{name}` must be a string")))
}

/// The server capability that a method belongs to; `None` for a method that no server here has.
fn capability(method: &str) -> Option<&'static str> {
    match method {
        method::TOOLS_LIST | method::TOOLS_CALL => Some("tools"),
        method::RESOURCES_LIST | method::TEMPLATES_LIST | method::RESOURCES_READ => Some("resources"),
        method::PROMPTS_LIST | method::PROMPTS_GET => Some("prompts"),
        method::COMPLETE => Some("completions"),
        _ => None,
    }
}

/// Lists come in one page, so no cursor is ever valid.
fn list(params: &Object, key: &str, items: Vec<Value>) -> Result<Value, Fault> {
    if params.contains_key("cursor") {
        return Err(Fault::InvalidParams("unknown cursor; this list has one page".into()));
    }
    Ok(json!({ key: items }))
}

async fn call_tool<S: Example>(server: &S, params: &Object, call: &Call) -> Result<Value, Halt> {
    let name = text(params, "name")?;
    let arguments = Arguments::new(object(params, "arguments")?);
    match server.call_tool(name, arguments, call).await {
        Ok(result) => Ok(result),
        Err(Stop::Failed(why)) => Ok(json!({ "content": [{ "type": "text", "text": why }], "isError": true })),
        Err(Stop::Fault(fault)) => Err(Halt::Fault(fault)),
        Err(Stop::Ask { key, ask }) => Err(Halt::Ask { key, ask }),
    }
}

fn read<S: Example>(server: &S, params: &Object) -> Result<Value, Fault> {
    let uri = text(params, "uri")?;
    let contents = server
        .read(uri)
        .ok_or_else(|| Fault::ResourceNotFound(uri.to_owned()))?;
    Ok(json!({ "contents": [contents] }))
}

fn prompt<S: Example>(server: &S, params: &Object) -> Result<Value, Fault> {
    let name = text(params, "name")?;
    let arguments = object(params, "arguments")?;
    if let Some((name, _)) = arguments.iter().find(|(_, value)| !value.is_string()) {
        return Err(Fault::InvalidParams(format!(
            "the prompt argument `{name}` must be a string"
        )));
    }
    server.prompt(name, &arguments)
}

fn complete<S: Example>(server: &S, params: &Object) -> Result<Value, Fault> {
    let argument = object(params, "argument")?;
    let start = text(&argument, "value")?.to_lowercase();
    let reference = params.get("ref").unwrap_or(&Value::Null);
    let mut values = server.completions(reference, text(&argument, "name")?)?;
    values.retain(|value| value.to_lowercase().starts_with(&start));
    let total = values.len();
    values.truncate(COMPLETIONS);
    Ok(json!({ "completion": { "values": values, "total": total, "hasMore": total > COMPLETIONS } }))
}

/// An object parameter; absent means empty.
fn object(params: &Object, name: &str) -> Result<Object, Fault> {
    match params.get(name) {
        None => Ok(Object::new()),
        Some(Value::Object(object)) => Ok(object.clone()),
        Some(_) => Err(Fault::InvalidParams(format!("`{name}` must be an object"))),
    }
}
