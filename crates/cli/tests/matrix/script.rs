//! What the backends say: one script for all of them, in which the generations differ where the protocol does.

use std::path::Path;

use crate::kinds::{Era, Speaks};

// What a relay easily spoils is in everything that has to pass as it is: numbers, escapes, blanks, unknown members. `%`
// stands for what a modern result has besides.
pub(crate) const TOOLS: &[&str] = &[
    r#"{"name":"call","title":"\u00e9 \/ é","inputSchema":{"type":"object","z":1.0,"a":1}}"#,
    r#"{"inputSchema":{"type":"object"},"name":"fail"}"#,
    r#"{"name":"progress","inputSchema":{ "type" : "object" }}"#,
    r#"{"name":"log","inputSchema":{"type":"object"}}"#,
    r#"{"name":"wait","inputSchema":{"type":"object"}}"#,
    r#"{"name":"form","inputSchema":{"type":"object"}}"#,
    r#"{"name":"sample","inputSchema":{"type":"object"}}"#,
];
/// A tool that is there later.
pub(crate) const FRESH: &str = r#"{"name":"fresh","inputSchema":{"type":"object"}}"#;
pub(crate) const RESOURCES: &[&str] = &[
    r#"{"uri":"odd://one","name":"one","size":1e3}"#,
    r#"{"uri":"odd://watched","name":"watched","x":[1.0 ,null]}"#,
];
pub(crate) const TEMPLATES: &[&str] = &[r#"{"uriTemplate":"odd://item/{id}","name":"item","x":"\u00e9"}"#];
pub(crate) const PROMPTS: &[&str] = &[r#"{"name":"greet","arguments":[{"name":"who","x":1.0}]}"#];

pub(crate) const CALLED: &str = r#"{"content":[{"type":"text","text":"\u00e9 \/ é","x":1.0}], "isError":false,%"got":"@arguments","structuredContent":[12345678901234567890]}"#;
pub(crate) const READ: &str = r#"{"contents":[{"uri":"odd://one","text":"\u00e9 \/ é","x":1e5}],%"n":1.0}"#;
pub(crate) const GREETED: &str =
    r#"{"messages":[{"role":"user","content":{"type":"text","text":"\u00e9"}}],%"got":"@arguments"}"#;
pub(crate) const COMPLETED: &str = r#"{"completion":{"values":["Ada","\u00c9va"],"total":2.0 },%"n":1.0}"#;
pub(crate) const PROGRESS: &[&str] = &[
    r#"{ "progress":1.0,"total":1e1, "progressToken":"@token" ,"message":"\u00e9"}"#,
    r#"{"progressToken":"@token","progress":2,"x":null}"#,
];
pub(crate) const LOGS: &[&str] = &[
    r#"{"level":"debug","data":{"n":1.0}}"#,
    r#"{"level":"info","data":"\u00e9 \/ é","x":1e5}"#,
    r#"{"data":[], "level":"error"}"#,
];
pub(crate) const FAILURE: &str = r#"{"code":-31999,"message":"\u00e9 \/ é","data":{"n":1.0},"x":1}"#;
pub(crate) const MISSING: &str = "odd://item/none";
pub(crate) const FORM: &str =
    r#"{"message":"\u00e9?", "requestedSchema":{"type":"object","properties":{"n":{"type":"number","minimum":1.0}}}}"#;
pub(crate) const SAMPLE: &str =
    r#"{"messages":[{"role":"user","content":{"type":"text","text":"\/"}}],"maxTokens":5, "temperature":1.0}"#;
/// What a modern backend wants to have back.
pub(crate) const STATE: &str = r#""a\u00e9\/ 1.0""#;
/// The key of a modern backend's question.
pub(crate) const KEY: &str = r#""k\"1""#;
pub(crate) const WATCHED: &str = "odd://watched";
pub(crate) const UPDATED: &str = r#"{"uri":"odd://watched", "n":1.0}"#;

const CAPABILITIES: &str = r#"{"tools":{"listChanged":true},"resources":{"subscribe":true,"listChanged":true},"prompts":{"listChanged":true},"completions":{},"logging":{}}"#;

/// One of the texts above as it is written in a generation.
pub(crate) fn in_era(era: Era, text: &str) -> String {
    let own = match era {
        Era::Legacy => "",
        Era::Modern if text.contains("\"contents\"") => {
            r#""resultType":"complete","ttlMs":6e4,"cacheScope":"private", "#
        }
        Era::Modern => r#""resultType":"complete", "#,
    };
    text.replace('%', own)
}

/// The error of an unknown resource; only a modern one has to name it.
pub(crate) fn missing(era: Era) -> String {
    match era {
        Era::Legacy => r#"{"code":-32002,"message":"\u00e9"}"#.to_owned(),
        Era::Modern => format!(r#"{{"code":-32602,"message":"\u00e9","data":{{"uri":"{MISSING}"}}}}"#),
    }
}

/// The script of a backend that watches this folder: files in it say that something changed.
pub(crate) fn script(speaks: Speaks, folder: &Path) -> String {
    let entries = |era, before: &str| {
        let entry = |(key, steps): &(&str, String)| format!(r#""{before}{key}":{steps}"#);
        steps(era, folder).iter().map(entry).collect::<Vec<_>>()
    };
    let all = match speaks {
        Speaks::Legacy => entries(Era::Legacy, ""),
        Speaks::Modern => entries(Era::Modern, ""),
        Speaks::Both => [entries(Era::Legacy, ""), entries(Era::Modern, "modern:")].concat(),
    };
    format!("{{{}}}", all.join(","))
}

/// What is done on which message of a generation.
fn steps(era: Era, folder: &Path) -> Vec<(&'static str, String)> {
    let result = |text: &str| format!(r#"[{{"result":{}}}]"#, in_era(era, text));
    let list = |member: &str, items: &[&str]| {
        let own = match era {
            Era::Legacy => "",
            Era::Modern => r#""resultType":"complete","ttlMs":0,"cacheScope":"public","#,
        };
        format!(r#"[{{"result":{{{own}"{member}":[{}]}}}}]"#, items.join(","))
    };
    let say = |method: &str, all: &[&str]| -> String {
        let notify = |params: &&str| format!(r#"{{"notify":"notifications/{method}","params":{params}}},"#);
        all.iter().map(notify).collect()
    };
    let done = in_era(era, r#"{%"content":[]}"#);
    let later: Vec<&str> = TOOLS.iter().copied().chain([FRESH]).collect();
    let (form, sample) = (
        question(era, "elicitation/create", FORM),
        question(era, "sampling/createMessage", SAMPLE),
    );
    let mut entries = vec![
        ("tools/list", list("tools", TOOLS)),
        ("tools/list#1", list("tools", &later)),
        ("resources/list", list("resources", RESOURCES)),
        ("resources/templates/list", list("resourceTemplates", TEMPLATES)),
        ("prompts/list", list("prompts", PROMPTS)),
        ("tools/call call", result(CALLED)),
        ("tools/call fail", format!(r#"[{{"error":{FAILURE}}}]"#)),
        (
            "tools/call progress",
            format!(r#"[{}{{"result":{done}}}]"#, say("progress", PROGRESS)),
        ),
        (
            "tools/call log",
            format!(r#"[{}{{"result":{done}}}]"#, say("message", LOGS)),
        ),
        (
            "tools/call wait",
            format!(r#"[{}{{"gate":"/no/such/file"}}]"#, say("progress", &PROGRESS[..1])),
        ),
        ("tools/call form", form),
        ("tools/call sample", sample),
        ("resources/read odd://one", result(READ)),
        ("resources/read", format!(r#"[{{"error":{}}}]"#, missing(era))),
        ("prompts/get greet", result(GREETED)),
        ("completion/complete", result(COMPLETED)),
    ];
    entries.extend(match era {
        Era::Legacy => of_legacy(&folder.join("tools"), &folder.join("resource")),
        Era::Modern => of_modern(&folder.join("tools"), &folder.join("resource")),
    });
    entries
}

/// The steps of a tool that asks this before it answers.
fn question(era: Era, method: &str, params: &str) -> String {
    match era {
        Era::Legacy => {
            format!(r#"[{{"ask":"{method}","params":{params}}},{{"result":{{"content":[],"answer":"@answer"}}}}]"#)
        }
        Era::Modern => format!(
            r#"[{{"result":{{"resultType":"input_required","inputRequests":{{{KEY}:{{"method":"{method}","params":{params}}}}},"requestState":{STATE}}}}}]"#
        ),
    }
}

fn of_legacy(tools: &Path, resource: &Path) -> Vec<(&'static str, String)> {
    let hello = format!(
        r#"[{{"result":{{"protocolVersion":"2025-11-25","capabilities":{CAPABILITIES},"serverInfo":{{"name":"odd","version":"1"}}}}}}]"#
    );
    let changes = r#"{"feed":"notifications/tools/list_changed"}"#;
    let updates = format!(r#"{{"feed":"notifications/resources/updated","params":{UPDATED}}}"#);
    vec![
        ("initialize", hello),
        (
            "notifications/initialized",
            format!(r#"[{{"gate":{tools:?}}},{{"turn":true}},{changes}]"#),
        ),
        ("logging/setLevel", r#"[{"result":{}}]"#.to_owned()),
        (
            "resources/subscribe",
            format!(r#"[{{"result":{{}}}},{{"gate":{resource:?}}},{updates}]"#),
        ),
        ("resources/unsubscribe", r#"[{"result":{}}]"#.to_owned()),
    ]
}

fn of_modern(tools: &Path, resource: &Path) -> Vec<(&'static str, String)> {
    let meta = r#""_meta":{"io.modelcontextprotocol/subscriptionId":"@id"}"#;
    let acknowledged = format!(
        r#"{{"notify":"notifications/subscriptions/acknowledged","params":{{{meta},"notifications":"@notifications"}}}}"#
    );
    let discovered = format!(
        r#"[{{"result":{{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{CAPABILITIES},"ttlMs":0,"cacheScope":"public"}}}}]"#
    );
    let updated = format!("{},{meta}}}", UPDATED.trim_end_matches('}'));
    let answered = format!(
        r#"[{{"result":{}}}]"#,
        in_era(Era::Modern, r#"{%"content":[],"got":"@params"}"#)
    );
    vec![
        ("server/discover", discovered),
        (
            "subscriptions/listen",
            format!(
                r#"[{acknowledged},{{"gate":{tools:?}}},{{"turn":true}},{{"notify":"notifications/tools/list_changed","params":{{{meta}}}}}]"#
            ),
        ),
        (
            "subscriptions/listen odd://watched",
            format!(
                r#"[{acknowledged},{{"gate":{resource:?}}},{{"notify":"notifications/resources/updated","params":{updated}}}]"#
            ),
        ),
        ("tools/call form+", answered.clone()),
        ("tools/call sample+", answered),
    ]
}
