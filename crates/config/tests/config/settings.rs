//! Every key is shown with its value and where that comes from, and no secret.

use std::collections::BTreeSet;

use argus_config::{Mode, Origin, Setting, schema};
use serde_json::{Value, json};

use crate::common;
use crate::keys::keys;

fn settings(text: &str) -> Vec<Setting> {
    let loaded = common::check(text, Mode::Serve).unwrap_or_else(|report| panic!("{report}"));
    loaded.settings.iter().cloned().collect()
}

fn full() -> String {
    let files = common::fixtures("good");
    files.into_iter().find(|(name, _)| name == "full").unwrap().1
}

#[test]
fn every_value_of_a_full_file_with_its_origin() {
    let lines: Vec<String> = settings(&full())
        .into_iter()
        .map(|setting| {
            let line = setting.line.map_or_else(|| "-".to_owned(), |line| line.to_string());
            let (value, origin, variables) = (setting.value, setting.origin, setting.variables.join(","));
            let written = setting.written.unwrap_or_default();
            format!("{line} {} = {value} {origin:?} {variables} {written}", setting.key)
                .trim_end()
                .to_owned()
        })
        .collect();
    let shown = lines.join("\n");
    assert!(!shown.contains("hunter"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn every_key_of_the_schema_is_shown() {
    let mut of_schema = BTreeSet::new();
    keys(&schema(), "", &mut of_schema);
    let names = [
        ("files", "<stdio>"),
        ("remote", "<streamable-http>"),
        ("events", "<sse>"),
    ];
    let mut shown = BTreeSet::new();
    for setting in settings(&full()) {
        let mut key = setting.key;
        for (name, kind) in names {
            key = key.replace(&format!("backends.{name}."), &format!("backends.*.{kind}."));
        }
        let key = key
            .replace("tool_overrides.read_file.", "tool_overrides.*.")
            .replace(".auth.", ".auth.<static>.");
        // Names of the reader's choice stand below their key.
        let of_map = ["env", "headers", "labels"].iter().find_map(|map| {
            let at = key.find(&format!(".{map}."))?;
            Some(key[..=at + map.len()].to_owned())
        });
        shown.insert(of_map.unwrap_or(key));
    }
    // Mappings of the reader's names in which nothing is written.
    let missing: Vec<_> = of_schema
        .iter()
        .filter(|key| !shown.contains(*key) && !shown.iter().any(|one| key.starts_with(&format!("{one}.*."))))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn an_empty_file_is_all_defaults_and_what_depends_on_others_is_filled_in() {
    assert!(settings("").iter().all(|setting| setting.origin == Origin::Default));
    let init = |kind: &str| {
        let all = settings(&format!("backends: {{a: {{{kind}}}}}"));
        let init = all.iter().find(|setting| setting.key == "backends.a.timeouts.init");
        init.unwrap().value.clone()
    };
    assert_eq!(init("type: stdio, command: x"), json!(60.0));
    assert_eq!(init("type: sse, url: 'http://a.example/'"), json!(15.0));
}

#[test]
fn secrets_are_hidden_wherever_they_stand() {
    const SECRET: &str = "d41d8cd98f00b204e9800998ecf8427e";
    let text = "server: {management: {token: SECRET}, seal_keys: [SECRET]}\n\
        backends:\n  a: {type: stdio, command: x, args: [--key=SECRET], env: {K: SECRET, L: '${NOT_SET:-SECRET}'}}\n  \
        b: {type: sse, url: 'http://a.example/SECRET/mcp?key=SECRET', headers: {X-K: SECRET}, \
        auth: {type: static, headers: {Authorization: SECRET}}}\n";
    let all = settings(&text.replace("SECRET", SECRET));
    assert!(!format!("{all:?}").contains(SECRET), "{all:?}");
    let hidden = |key: &str| all.iter().find(|setting| setting.key == key).unwrap().value.clone();
    assert_eq!(hidden("backends.a.env.K"), json!("***"));
    assert_eq!(hidden("backends.a.args"), json!(["***"]));
    assert_eq!(hidden("backends.b.url"), json!("http://a.example/***/mcp?***"));
    assert_eq!(hidden("server.management.token"), json!("***"));
}

#[test]
fn a_secret_that_is_empty_is_seen_to_be() {
    let all = settings("server: {management: {token: '${NOT_SET}'}}");
    let token = all
        .iter()
        .find(|setting| setting.key == "server.management.token")
        .unwrap();
    assert_eq!((&token.value, token.origin), (&json!(""), Origin::File));
}

#[test]
fn a_variable_in_a_text_is_shown_and_not_what_it_stands_for() {
    let all = settings(
        "server: {host: '${WORD}', port: '${PORT}', page_size: '${NOPE:-7}'}\nbackends: {a: {type: stdio, command: '${TOKEN}', group: '${WORD}', labels: {x: 'a ${TOKEN}'}}}",
    );
    let of = |key: &str| all.iter().find(|setting| setting.key == key).unwrap().clone();
    assert_eq!(
        (of("server.host").value, of("server.host").origin),
        (json!("${WORD}"), Origin::Environment)
    );
    let port = of("server.port");
    assert_eq!((port.value, port.written.as_deref()), (json!(8081), Some("${PORT}")));
    let page = of("server.page_size");
    assert_eq!(
        (page.value, page.origin, page.variables),
        (json!(7), Origin::File, vec!["NOPE".to_owned()])
    );
    assert_eq!(of("backends.a.labels.x").value, json!("a ${TOKEN}"));
    assert!(!format!("{all:?}").contains("hunter"), "{all:?}");
}

#[test]
fn others_than_the_file_may_decide_and_what_needs_a_restart_stays() {
    let text = "server: {port: 1, host: '::1', management: {token: d41d8cd98f00b204e9800998ecf8427e}}";
    let load = |text: &str| common::check(text, Mode::Serve).unwrap().settings;
    let mut decided = load(text);
    decided.decide("server.port", json!(7), Origin::CommandLine, None);
    decided.decide_secret("server.management.token", "ARGUS_MGMT_TOKEN");
    let of = |key: &str| decided.iter().find(|setting| setting.key == key).unwrap().clone();
    let (port, token) = (of("server.port"), of("server.management.token"));
    assert_eq!(
        (port.value, port.origin, port.line),
        (json!(7), Origin::CommandLine, None)
    );
    assert_eq!(
        (token.value, token.origin, token.line),
        (json!("***"), Origin::Environment, None)
    );
    assert_eq!(token.variables, ["ARGUS_MGMT_TOKEN"]);
    let mut next = load("server:\n  page_size: 3\n  port: 9\n");
    next.keep(&decided, &["server.port"]);
    let shown: Vec<(Value, Option<usize>)> = ["server.port", "server.page_size", "server.host"]
        .iter()
        .map(|key| next.iter().find(|setting| setting.key == *key).unwrap())
        .map(|setting| (setting.value.clone(), setting.line))
        .collect();
    assert_eq!(
        shown,
        [(json!(7), None), (json!(3), Some(2)), (json!("127.0.0.1"), None)]
    );
}
