//! The schema: committed as generated, and as strict as the reader about keys and types.

use std::path::PathBuf;

use crate::common;
use argus_config::{schema, starter};
use jsonschema::Validator;
use serde_json::{Value, json};

fn validator() -> Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

fn read(text: &str) -> Value {
    let value: Value = serde_saphyr::from_str(text).unwrap();
    if value.is_null() { json!({}) } else { value }
}

#[test]
fn the_committed_schema_is_the_generated_one() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.schema.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let generated = format!("{:#}\n", schema());
    assert!(
        committed == generated,
        "write docs/config.schema.json anew: argus-mcp config schema > docs/config.schema.json"
    );
}

#[test]
fn it_accepts_every_good_file() {
    let validator = validator();
    for (name, text) in common::fixtures("good")
        .into_iter()
        .chain([("starter".to_owned(), starter("argus-mcp"))])
    {
        if let Err(error) = validator.validate(&read(&text)) {
            panic!("{name}: {error} at {}", error.instance_path());
        }
    }
}

#[test]
fn it_refuses_what_the_reader_refuses_about_keys_and_types() {
    let validator = validator();
    let refused = [
        "unknown-keys",
        "key-of-another-type",
        "missing-keys",
        "wrong-types",
        "quoted-numbers",
        "ranges",
        "version",
        "backend-names",
        "types",
        "choices",
        "obsolete",
        "later",
        "feature-flags",
        "separator",
    ];
    for (name, text) in common::fixtures("bad") {
        if refused.contains(&name.as_str()) {
            assert!(!validator.is_valid(&read(&text)), "{name}");
        }
    }
}

#[test]
fn it_refuses_an_unknown_key_in_every_section() {
    let validator = validator();
    let full = common::fixtures("good")
        .into_iter()
        .find(|(name, _)| name == "full")
        .unwrap()
        .1;
    let full = read(&full);
    for section in [
        "",
        "/server",
        "/server/management",
        "/backends/files",
        "/backends/files/filters",
        "/backends/files/filters/tools",
        "/backends/files/tool_overrides/read_file",
        "/backends/files/timeouts",
        "/backends/remote",
        "/backends/remote/auth",
        "/catalogue",
        "/cache",
        "/backends/events",
        "/backends/events/timeouts",
        "/conflict_resolution",
        "/feature_flags",
    ] {
        let mut changed = full.clone();
        let section_value = changed.pointer_mut(section).unwrap();
        section_value
            .as_object_mut()
            .unwrap()
            .insert("banana".to_owned(), json!(1));
        assert!(!validator.is_valid(&changed), "an unknown key in `{section}` passes");
    }
}
