//! Items of lists, and what backends say of themselves.

use argus_testkit::part;
use serde_json::json;
use serde_json::value::RawValue;

use super::backend::{WAYS, Way};
use crate::payloads;
use crate::world::World;

/// Items with each payload beside what identifies them. `%` is the name of the backend.
fn items(key: &str) -> Vec<String> {
    let item = |(at, payload): (usize, String)| {
        let inner = payload
            .trim_end()
            .strip_suffix('}')
            .unwrap()
            .strip_prefix('{')
            .unwrap()
            .to_owned();
        format!(
            r#"{{"x-first" : {payload},"{key}" : "%-{at}", {inner} ,"inputSchema":{{"type":"object","$defs":{{"b":1.0,"a":{{}}}}}} }}"#
        )
    };
    payloads::in_one_line().into_iter().enumerate().map(item).collect()
}

fn script() -> String {
    let lists = [
        ("tools/list", "tools", "name"),
        ("prompts/list", "prompts", "name"),
        ("resources/list", "resources", "uri"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate"),
    ];
    let lists: Vec<String> = lists
        .iter()
        .map(|(method, member, key)| {
            format!(
                r#""{method}": [{{"result": {{"{member}":[{}]}}}}]"#,
                items(key).join(" , ")
            )
        })
        .collect();
    let capabilities = r#"{"tools":{},"prompts":{},"resources":{},"experimental":{"%":{"v":1.0,"u":"\u00e9"}}}"#;
    format!(
        r#"{{"initialize": [{{"result": {{"protocolVersion":"2025-11-25","capabilities":{capabilities},"serverInfo":{{"name":"v","version":"1"}}}}}}],
        "server/discover": [{{"result": {{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{capabilities},"ttlMs":0,"cacheScope":"public"}}}}],
        {}}}"#,
        lists.join(",")
    )
}

fn listed(result: &str, member: &str) -> Vec<String> {
    let list = part(result, member).unwrap();
    let items: Vec<&RawValue> = serde_json::from_str(&list).unwrap();
    items.into_iter().map(|item| item.get().to_owned()).collect()
}

/// All items as they were written, by backend in the order of the configuration.
fn written(ways: &[Way], key: &str) -> Vec<String> {
    let of = |way: &Way| -> Vec<String> { items(key).into_iter().map(|item| item.replace('%', way.name)).collect() };
    ways.iter().flat_map(of).collect()
}

#[tokio::test]
async fn items_of_every_list() {
    let (running, _) = super::backend::all(&script(), |_| true);
    for client in [running.plain().await, running.modern()] {
        for (method, member, key) in [
            ("tools/list", "tools", "name"),
            ("prompts/list", "prompts", "name"),
            ("resources/list", "resources", "uri"),
            ("resources/templates/list", "resourceTemplates", "uriTemplate"),
        ] {
            let result = client.result(method, "{}").await;
            assert_eq!(listed(&result, member), written(&WAYS, key), "{method}");
        }
    }
    running.stop();
}

#[tokio::test]
async fn experimental_capabilities() {
    let (running, backends) = super::backend::all(&script(), |_| true);
    let discovered = running.modern().result("server/discover", "{}").await;
    let experimental = part(&part(&discovered, "capabilities").unwrap(), "experimental").unwrap();
    for (way, _) in backends {
        assert_eq!(
            part(&experimental, way.name).unwrap(),
            r#"{"v":1.0,"u":"\u00e9"}"#,
            "{way:?}"
        );
    }
    running.stop();
}

#[tokio::test]
async fn only_what_is_overridden_changes() {
    const ITEM: &str = r#"{ "z":1.0,"description" : "o\u006cd" , "name":"n\u0061me", "inputSchema":{ },"é":"\ud800" }"#;
    const BARE: &str = r#"{"name" : "bare","big":12345678901234567890 }"#;
    let script = format!(r#"{{"tools/list": [{{"result": {{"tools":[{ITEM}, {BARE}]}}}}]}}"#);
    let mut world = World::new();
    for name in ["first", "second", "third"] {
        let script = world.script(name, &script);
        world.stdio(name, &["verbatim", "--script", &script]);
    }
    world.backend(
        "first",
        "tool_overrides",
        json!({"name": {"name": "other"}, "bare": {"description": "é\"\n"}}),
    );
    world.backend(
        "second",
        "tool_overrides",
        json!({"name": {"name": "name", "description": "new"}, "bare": {"name": "b2"}}),
    );
    let running = world.start();
    let result = running.plain().await.result("tools/list", "{}").await;
    assert_eq!(
        listed(&result, "tools"),
        [
            ITEM.replace(r#""n\u0061me""#, r#""other""#),
            BARE.replace("67890 }", r#"67890,"description":"é\"\n" }"#),
            ITEM.replace(r#""o\u006cd""#, r#""new""#),
            BARE.replace(r#""bare""#, r#""b2""#),
            ITEM.replace(r#""n\u0061me""#, r#""third_name""#),
            BARE.replace(r#""bare""#, r#""third_bare""#),
        ]
    );
    running.stop();
}
