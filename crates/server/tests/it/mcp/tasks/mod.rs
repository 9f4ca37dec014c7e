//! Tasks, within one era.

mod across;
mod asked;
mod followed;
mod legacy;
mod listed;
mod long;
mod modern;
mod restart;
mod whose;

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{Answer, Backend, Draft, Served, Session};

const RELATED: &str = "io.modelcontextprotocol/related-task";
const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// What a legacy backend with tasks declares.
fn core_tasks() -> Value {
    json!({"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}})
}

/// A task as a backend of 2025-11-25 shows it.
fn task(id: &str, status: &str) -> Value {
    json!({"taskId": id, "status": status, "ttl": 60000, "createdAt": "2025-11-25T10:30:00Z"})
}

/// The id that a request names.
fn named(params: &Value) -> String {
    params["taskId"].as_str().unwrap_or_default().to_owned()
}

/// A legacy backend whose tool `name` begins the tasks `name-1`, `name-2` and so on.
fn legacy(name: &'static str) -> Draft {
    let begun = AtomicUsize::new(0);
    Backend::legacy()
        .capabilities(json!({"tools": {}, "tasks": core_tasks()}))
        .tools(&[name])
        .on("tools/call", move |call| {
            let number = begun.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                match call.params.get("task") {
                    None => json!({"content": []}),
                    Some(_) => json!({"task": task(&format!("{name}-{number}"), "working")}),
                }
            }
        })
        .on("tasks/get", |call| async move { task(&named(&call.params), "working") })
        .on(
            "tasks/cancel",
            |call| async move { task(&named(&call.params), "cancelled") },
        )
        .on("tasks/result", |call| async move {
            json!({"content": [], "taskId": "payload", "_meta": {RELATED: {"taskId": named(&call.params)}}})
        })
}

/// A modern backend whose tool `name` begins the task `name-1`.
fn modern(name: &'static str) -> Draft {
    let shown = |id: String, kind: &str| json!({"resultType": kind, "taskId": id, "status": "working", "ttlMs": null});
    Backend::modern()
        .capabilities(json!({"tools": {}, "extensions": {EXTENSION: {}}}))
        .tools(&[name])
        .on("tools/call", move |_| async move { shown(format!("{name}-1"), "task") })
        .on("tasks/get", move |call| async move {
            shown(named(&call.params), "complete")
        })
        .result("tasks/update", json!({"resultType": "complete"}))
        .on("tasks/cancel", |call| async move {
            match named(&call.params).is_empty() {
                true => Answer::error(-32602, "no id"),
                false => json!({"resultType": "complete"}).into(),
            }
        })
}

/// Begins a task and gives its id.
async fn begin(session: &Session, tool: &str) -> String {
    let called = session
        .call("tools/call", json!({"name": tool, "task": {"ttl": 60000}}))
        .await;
    let id = called.result()["task"]["taskId"].as_str().unwrap().to_owned();
    assert!(id.len() < 200 && id.bytes().all(|byte| byte.is_ascii_graphic()), "{id}");
    id
}

/// A request of a modern client that knows tasks.
async fn ask(served: &Served, method: &str, mut params: Value) -> crate::support::Whole {
    params["_meta"] = json!({"io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION: {}}}});
    served.modern(method, params).send().await
}
