//! Every accepted key has an effect, and the accepted keys are exactly those of the schema.

use std::collections::BTreeSet;

use crate::common;
use argus_config::{Config, Mode, schema};
use secrecy::ExposeSecret;
use serde_json::Value;

const STDIO: &str = "type: stdio, command: server";
const HTTP: &str = "type: streamable-http, url: 'https://mcp.example.com/mcp'";
const SSE: &str = "type: sse, url: 'https://mcp.example.com/sse'";
const SSE_WITH_PROCESS: &str = "type: sse, url: 'http://127.0.0.1:9100/sse', command: server";

/// A key in the schema's terms and two files that differ in it only. The kinds of a backend are told apart as `<stdio>`,
/// `<streamable-http>` and `<sse>`, names of the reader's choice are `*`.
fn cases() -> Vec<(String, String, String)> {
    let mut cases = Vec::new();
    let mut case = |key: &str, without: String, with: String| cases.push((key.to_owned(), without, with));
    for (key, value) in [
        ("host", "0.0.0.0"),
        ("port", "0"),
        ("transport", "sse"),
        ("management.enabled", "false"),
        ("management.token", "d41d8cd98f00b204e9800998ecf8427e"),
        ("management.reconnect_timeout", "5"),
        ("management.max_event_streams", "5"),
        ("allowed_hosts", "[localhost]"),
        ("allowed_origins", "['*']"),
        ("max_body_bytes", "1024"),
        ("max_sessions", "10"),
        ("max_sessions_per_caller", "10"),
        ("session_idle_timeout", "10"),
        ("parked_call_timeout", "10"),
        ("seal_keys", "['0123456789abcdef0123456789abcdef']"),
        ("page_size", "10"),
        ("startup_wait", "0.5"),
        ("shutdown_timeout", "60"),
        ("drain_timeout", "60"),
    ] {
        case(
            &format!("server.{key}"),
            String::new(),
            format!("server: {}", nest(key, value)),
        );
    }
    for (key, value) in [
        ("catalogue.grace", "1"),
        ("catalogue.grace", "keep"),
        ("catalogue.grace", "'drop'"),
        ("catalogue.list_ttl", "1"),
        ("cache.enabled", "true"),
        ("cache.max_entries", "1"),
        ("cache.max_bytes", "65536"),
    ] {
        case(key, String::new(), nest(key, value));
    }
    for (key, value) in [("strategy", "prefix"), ("separator", "'.'")] {
        let key = format!("conflict_resolution.{key}");
        case(&key, String::new(), nest(&key, value));
    }
    let order = |names: &str| {
        let backends = format!("backends: {{one: {{{STDIO}}}, two: {{{STDIO}}}}}");
        format!("{backends}\nconflict_resolution: {{strategy: priority, order: [{names}]}}")
    };
    case("conflict_resolution.order", order("one"), order("two"));
    for (flag, value) in [
        ("hot_reload", "false"),
        ("outgoing_auth", "false"),
        ("session_management", "false"),
        ("container_isolation", "false"),
        ("build_on_startup", "false"),
        ("use_dhi_images", "true"),
    ] {
        let key = format!("feature_flags.{flag}");
        case(&key, String::new(), nest(&key, value));
    }
    for (kind, base) in [("stdio", STDIO), ("streamable-http", HTTP), ("sse", SSE)] {
        for (key, value) in [
            ("group", "red"),
            ("protocol", "legacy"),
            ("filters.tools.allow", "[a]"),
            ("filters.tools.deny", "[a]"),
            ("filters.resources.allow", "[a]"),
            ("filters.resources.deny", "[a]"),
            ("filters.prompts.allow", "[a]"),
            ("filters.prompts.deny", "[a]"),
            ("tool_overrides.*.name", "b"),
            ("tool_overrides.*.description", "b"),
            ("timeouts.init", "1"),
            ("timeouts.cap_fetch", "1"),
            ("timeouts.startup", "1"),
            ("timeouts.call", "1"),
            ("health.enabled", "false"),
            ("health.interval", "1"),
            ("health.timeout", "1"),
            ("health.slow", "1"),
            ("health.failures", "1"),
            ("health.cooldown", "1"),
            ("labels", "{a: b}"),
            ("sharing", "session"),
            ("max_processes", "9"),
            ("max_concurrent_calls", "9"),
            ("max_waiting_calls", "9"),
        ] {
            case(
                &backend_key(kind, key),
                backend(base),
                backend(&format!("{base}, {}", inner(key, value))),
            );
        }
    }
    for (kind, base) in [("stdio", STDIO), ("sse", SSE_WITH_PROCESS)] {
        for (key, value) in [("args", "[a]"), ("env", "{A: b}"), ("cwd", "/tmp")] {
            case(
                &backend_key(kind, key),
                backend(base),
                backend(&format!("{base}, {key}: {value}")),
            );
        }
        case(
            &backend_key(kind, "command"),
            backend(base),
            backend(&base.replace("command: server", "command: other")),
        );
    }
    for (kind, base) in [("streamable-http", HTTP), ("sse", SSE)] {
        case(
            &backend_key(kind, "headers"),
            backend(base),
            backend(&format!("{base}, headers: {{A: b}}")),
        );
        case(
            &backend_key(kind, "url"),
            backend(base),
            backend(&base.replace("mcp.example.com", "other.example.com")),
        );
        case(
            &backend_key(kind, "auth.<static>.headers"),
            backend(base),
            backend(&format!("{base}, auth: {{type: static, headers: {{A: b}}}}")),
        );
    }
    case(
        &backend_key("sse", "timeouts.sse_startup"),
        backend(SSE_WITH_PROCESS),
        backend(&format!("{SSE_WITH_PROCESS}, timeouts: {{sse_startup: 1}}")),
    );
    cases
}

/// Keys whose only effect is what they refuse or choose: the version, two flags of which one value exists, and `type`, without which the other keys of its
/// section are not accepted.
const CHOOSERS: [&str; 8] = [
    "version",
    "feature_flags.optimizer",
    "feature_flags.yaml_config",
    "backends.*.<stdio>.type",
    "backends.*.<streamable-http>.type",
    "backends.*.<streamable-http>.auth.<static>.type",
    "backends.*.<sse>.type",
    "backends.*.<sse>.auth.<static>.type",
];

fn backend_key(kind: &str, key: &str) -> String {
    format!("backends.*.<{kind}>.{key}")
}

fn backend(fields: &str) -> String {
    format!("backends: {{one: {{{fields}}}}}")
}

/// `a.b: v` as `{a: {b: v}}`.
fn nest(key: &str, value: &str) -> String {
    format!("{{{}}}", inner(key, value))
}

fn inner(key: &str, value: &str) -> String {
    match key.split_once('.') {
        Some((first, rest)) => format!("{}: {}", first.replace('*', "tool"), nest(rest, value)),
        None => format!("{key}: {value}"),
    }
}

fn load(text: &str) -> String {
    let loaded = common::check(text, Mode::Check).unwrap_or_else(|report| panic!("{report}"));
    fingerprint(&loaded.config)
}

/// Everything of a configuration, also what `Debug` hides.
fn fingerprint(config: &Config) -> String {
    let digests: Vec<String> = config
        .backends
        .iter()
        .filter_map(|entry| entry.definition.as_ref().ok())
        .map(|backend| backend.digest())
        .collect();
    let token = config
        .server
        .management
        .token
        .as_ref()
        .map(|token| token.expose_secret().to_owned());
    let Config {
        server,
        catalogue,
        cache,
        conflict_resolution,
        feature_flags,
        version,
        ..
    } = config;
    let sections = format!("{server:?} {catalogue:?} {cache:?} {conflict_resolution:?} {feature_flags:?}");
    format!("{version} {sections} {digests:?} {token:?}")
}

#[test]
fn every_key_changes_what_is_loaded() {
    for (key, without, with) in cases() {
        assert_ne!(load(&without), load(&with), "{key} has no effect");
    }
}

#[test]
fn the_schema_has_exactly_the_accepted_keys() {
    let mut of_schema = BTreeSet::new();
    keys(&schema(), "", &mut of_schema);
    let accepted: BTreeSet<String> = cases()
        .into_iter()
        .map(|(key, ..)| key)
        .chain(CHOOSERS.map(str::to_owned))
        .collect();
    assert_eq!(of_schema, accepted);
}

#[test]
fn the_documentation_names_every_key() {
    let page = include_str!("../../../../docs/configuration.md");
    let mut keys_of_schema = BTreeSet::new();
    keys(&schema(), "", &mut keys_of_schema);
    for key in keys_of_schema {
        let last = key.rsplit('.').next().unwrap();
        assert!(
            page.contains(&format!("`{last}`")) || page.contains(&format!(".{last}`")),
            "{key} is not documented"
        );
    }
}

/// Collects the paths of all keys that hold a value, not a section.
pub(crate) fn keys(schema: &Value, path: &str, into: &mut BTreeSet<String>) {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    let before = into.len();
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        keys(value, &below(key), into);
    }
    let options: Vec<&Value> = schema["anyOf"].as_array().into_iter().flatten().collect();
    for option in &options {
        match option["properties"]["type"]
            .pointer("/anyOf/0/enum/0")
            .and_then(Value::as_str)
        {
            Some(kind) => keys(option, &below(&format!("<{kind}>")), into),
            None if holds_keys(option) => keys(option, path, into),
            None => {}
        }
    }
    let values = &schema["additionalProperties"];
    if holds_keys(values) {
        keys(values, &below("*"), into);
    }
    if into.len() == before && !path.is_empty() {
        into.insert(path.to_owned());
    }
}

fn holds_keys(schema: &Value) -> bool {
    schema["properties"].is_object() || schema["anyOf"].as_array().into_iter().flatten().any(holds_keys) || {
        let values = &schema["additionalProperties"];
        values.is_object() && holds_keys(values)
    }
}
