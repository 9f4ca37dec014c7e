//! What the gateway declares of tasks, and to whom.

use std::sync::Arc;

use argus_protocol::{Era, Object, Raw, RpcError, capability, code};
use argus_upstream::{Link, Upstream};
use serde_json::Value;

use crate::client::Client;
use crate::core::Core;
use crate::ops::forward::Forward;

/// The member that makes a request one for a task.
pub(crate) const AUGMENTATION: &str = "task";

/// The capabilities for a legacy client: with what the backends have of tasks, together (MCP 2025-11-25 "Tasks").
pub(crate) fn legacy(core: &Core, declared: &Raw) -> Raw {
    let own = |upstream: &Arc<Upstream>| {
        let hello = upstream.hello_in(Era::Legacy)?;
        let tasks = Object::parse(&hello.capabilities).ok()?.get(capability::TASKS)?.clone();
        tasks.read::<Value>().ok().filter(Value::is_object)
    };
    let inventory = core.inventory();
    let union = inventory.upstreams().filter_map(own).reduce(|mut union, more| {
        join(&mut union, more);
        union
    });
    match (Object::parse(declared), union) {
        (Ok(read), Some(union)) => read.edit().set(capability::TASKS, Raw::from_value(&union)).finish(),
        _ => declared.clone(),
    }
}

/// The capabilities for a modern client: with the extension, if a backend has it in this era.
pub(crate) fn modern(core: &Core, declared: &Raw) -> Raw {
    if !offers(core, Era::Modern) {
        return declared.clone();
    }
    let Ok(read) = Object::parse(declared) else {
        return declared.clone();
    };
    let none = Raw::empty_object();
    match Object::parse(read.get(capability::EXTENSIONS).unwrap_or(&none)) {
        Ok(extensions) if extensions.get(capability::TASKS_EXTENSION).is_none() => {
            let more = extensions
                .edit()
                .set(capability::TASKS_EXTENSION, none.clone())
                .finish();
            read.edit().set(capability::EXTENSIONS, more).finish()
        }
        _ => declared.clone(),
    }
}

/// Whether any backend has tasks in an era.
pub(crate) fn offers(core: &Core, era: Era) -> bool {
    let has = |upstream: &Arc<Upstream>| upstream.hello_in(era).is_some_and(|hello| hello.has_tasks(era));
    core.inventory().upstreams().any(has)
}

/// Adds members that are not there, at every depth.
fn join(into: &mut Value, more: Value) {
    let (Value::Object(into), Value::Object(more)) = (into, more) else {
        return;
    };
    for (key, value) in more {
        match into.get_mut(&key) {
            Some(own) => join(own, value),
            None => {
                into.insert(key, value);
            }
        }
    }
}

/// Sees to the `task` of a legacy client's request, which is about to go to a backend. Where the backend does not run it
/// as a task, and the client may have thought so because others do, it is refused, as a tool without `taskSupport` is;
/// where nobody has tasks, it means nothing (MCP 2025-11-25 "Tasks", "Task support and handling").
pub(crate) fn augmentable(core: &Core, client: Client<'_>, link: &Link, forward: &mut Forward) -> Result<(), RpcError> {
    if !forward.augmented || client.era() == Era::Modern {
        return Ok(());
    }
    if link.era() == Era::Legacy && link.hello().takes_task(&forward.method) {
        return Ok(());
    }
    let takes = |upstream: &Arc<Upstream>| {
        let hello = upstream.hello_in(Era::Legacy);
        hello.is_some_and(|hello| hello.takes_task(&forward.method))
    };
    if core.inventory().upstreams().any(takes) {
        let why = format!(
            "the backend does not run this as a task; send {} without `task`",
            forward.method
        );
        return Err(RpcError::new(code::METHOD_NOT_FOUND, why));
    }
    forward.augmented = false;
    if link.era() == Era::Modern {
        let read = forward.params.as_ref().and_then(|params| Object::parse(params).ok());
        forward.params = read.map(|read| read.edit().remove(AUGMENTATION).finish());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_one_backend_has_is_added_to_what_another_one_has() {
        let mut union = json!({"list": {}, "requests": {"tools": {"call": {}}}});
        join(
            &mut union,
            json!({"list": 1, "cancel": {}, "requests": {"tools": {"x": {}}, "prompts": {"get": {}}}}),
        );
        assert_eq!(
            union,
            json!({"list": {}, "cancel": {}, "requests": {"tools": {"call": {}, "x": {}}, "prompts": {"get": {}}}})
        );
    }
}
