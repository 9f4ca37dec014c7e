//! Reading answers, also those of the first Argus MCP, which are not quite as its documentation has them.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Reads an answer as it is; where that fails, with what others leave out or write in another way.
pub(crate) fn read<T: DeserializeOwned>(text: &Bytes) -> serde_json::Result<T> {
    serde_json::from_slice(text).or_else(|error| {
        let mut value: Value = serde_json::from_slice(text)?;
        mend(&mut value);
        // What is wrong with the answer as it is says more.
        serde_json::from_value(value).map_err(|_| error)
    })
}

fn mend(value: &mut Value) {
    let Value::Object(answer) = value else { return };
    // What `batch` is made of.
    for part in ["status", "backends", "capabilities", "events"] {
        if let Some(part @ Value::Object(_)) = answer.get_mut(part) {
            mend(part);
        }
    }
    each(answer, "backends", backend);
    each(answer, "sessions", session);
    each(answer, "events", |event| {
        default(event, "details", json!({}));
    });
    for kind in ["tools", "resources", "prompts"] {
        each(answer, kind, capability);
    }
    if answer.contains_key("route_map") {
        for kind in ["tools", "resources", "resource_templates", "prompts"] {
            default(answer, kind, json!([]));
        }
    }
    if answer.contains_key("sessions") {
        default(answer, "stateless_callers", json!(0));
    }
    if answer.contains_key("reloaded") {
        for list in [
            "backends_added",
            "backends_removed",
            "backends_changed",
            "needs_restart",
            "errors",
        ] {
            default(answer, list, json!([]));
        }
    }
}

fn each(answer: &mut Map<String, Value>, list: &str, change: impl Fn(&mut Map<String, Value>)) {
    if let Some(Value::Array(items)) = answer.get_mut(list) {
        items.iter_mut().filter_map(Value::as_object_mut).for_each(change);
    }
}

fn backend(backend: &mut Map<String, Value>) {
    if let Some(phase) = backend.get("phase").and_then(Value::as_str) {
        let phase = match phase {
            "retrying" => "Initializing".to_owned(),
            phase => pascal(phase),
        };
        backend.insert("phase".to_owned(), phase.into());
    }
    default(backend, "breaker", json!({"state": "closed", "retry_in_seconds": null}));
    default(backend, "labels", json!({}));
    default(backend, "conditions", json!([]));
    default(backend, "health", json!({"status": "unknown"}));
    if let Some(Value::Object(health)) = backend.get_mut("health") {
        default(health, "consecutive_failures", json!(0));
    }
    each(backend, "conditions", |condition| {
        let is_well = condition
            .get("status")
            .is_some_and(|status| status == "OK" || status == true);
        condition.insert("status".to_owned(), is_well.into());
        default(condition, "reason", json!(""));
        let since = condition.get("timestamp").cloned().unwrap_or_default();
        default(condition, "last_transition", since);
    });
}

fn session(session: &mut Map<String, Value>) {
    default(session, "protocol_version", json!(""));
    if let Some(ttl) = session.get("ttl").and_then(Value::as_f64) {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of seconds"
        )]
        let seconds = ttl.max(0.0) as u64;
        session.insert("ttl".to_owned(), seconds.into());
    }
}

fn capability(capability: &mut Map<String, Value>) {
    let name = capability.get("name").cloned().unwrap_or_default();
    default(capability, "original_name", name);
    default(capability, "input_schema", json!({}));
    default(capability, "arguments", json!([]));
    default(capability, "filtered", json!(false));
    default(capability, "renamed", json!(false));
}

fn default(object: &mut Map<String, Value>, member: &str, value: Value) {
    let there = object.entry(member).or_insert(Value::Null);
    if there.is_null() {
        *there = value;
    }
}

/// `shutting_down` as `ShuttingDown`.
fn pascal(name: &str) -> String {
    let upper = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('_').filter_map(upper).collect()
}

#[cfg(test)]
mod tests {
    use argus_api::{BackendList, Batch, Phase};

    use super::*;

    /// As the seed has it, and as the first Argus MCP answered.
    #[test]
    fn other_gateways_are_understood() {
        let seed = json!({"backends": [{
            "name": "a", "type": "stdio", "group": "default", "phase": "Ready", "state": "connected", "error": null,
            "capabilities": {"tools": 5, "resources": 2, "prompts": 1},
            "health": {"status": "healthy", "last_check": null, "latency_ms": null},
            "conditions": [{"type": "Ready", "status": true, "reason": "Connected", "message": "m",
                            "last_transition": "2026-02-23T12:00:00Z"}],
            "labels": {}
        }]});
        let read_list = |value: &Value| read::<BackendList>(&value.to_string().into()).unwrap();
        assert_eq!(read_list(&seed).backends[0].phase, Phase::Ready);
        let mut first = seed.clone();
        first["backends"][0]["phase"] = "shutting_down".into();
        first["backends"][0]["conditions"] =
            json!([{"timestamp": "t", "type": "ready", "status": "Warning", "message": "m"}]);
        let read_first = &read_list(&first).backends[0];
        assert_eq!(read_first.phase, Phase::ShuttingDown);
        assert!(!read_first.conditions[0].status);

        let batch = json!({
            "status": {
                "service": {"name": "Argus MCP", "version": "0.8.0", "state": "running", "uptime_seconds": 1.5, "started_at": "t"},
                "config": {"file_path": null, "loaded_at": "t", "backend_count": 1},
                "transport": {"sse_url": "s", "streamable_http_url": "h", "host": "127.0.0.1", "port": 9000},
                "feature_flags": {"optimizer": false, "hot_reload": true, "outgoing_auth": true, "session_management": true,
                                  "yaml_config": true, "container_isolation": true}
            },
            "backends": first,
            "capabilities": {
                "tools": [{"name": "t", "description": "d", "backend": "a", "input_schema": {"n": 1}}],
                "resources": [{"uri": "u", "name": "u", "backend": "a", "mime_type": null}],
                "prompts": [{"name": "p", "description": "d", "backend": "a"}],
                "route_map": {"t": ["a", "t"]}
            },
            "events": {"events": [{"id": "e", "timestamp": "t", "stage": "s", "message": "m", "severity": "info"}]}
        });
        let batch: Batch = read(&batch.to_string().into()).unwrap();
        assert_eq!(batch.capabilities.tools[0].input_schema.get(), r#"{"n":1}"#);
        assert_eq!(batch.events.events.len(), 1);
    }

    #[test]
    fn what_is_something_else_stays_an_error() {
        let error = read::<BackendList>(&Bytes::from_static(b"{\"backends\": 1}")).unwrap_err();
        assert!(error.to_string().contains("invalid type"), "{error}");
        assert!(read::<BackendList>(&Bytes::from_static(b"<html>")).is_err());
    }
}
