//! Whatever JSON is called with comes back as it was written.

use argus_testkit::part;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::world::{World, tool};

const MIRROR: &str = r#"{"tools/call mirror": [
    {"notify": "notifications/message", "params": {"level":"info","data":"@arguments"}}, {"result": {"got":"@arguments"}}]}"#;
const CASES: u32 = 150;

/// White space between tokens; none of it is a line break, which stdio cannot keep.
fn blank() -> impl Strategy<Value = String> {
    "[ \t]{0,2}"
}

fn number() -> impl Strategy<Value = String> {
    r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?"
}

fn text() -> impl Strategy<Value = String> {
    let letters = prop_oneof![
        r#"[^"\\\x00-\x1f]{1,4}"#,
        r"\\u[0-9a-fA-F]{4}",
        r#"\\["\\/bfnrt]"#,
        Just("\u{2028}".to_owned()),
        Just("👩‍💻".to_owned()),
    ];
    prop::collection::vec(letters, 0..6).prop_map(|letters| format!("\"{}\"", letters.concat()))
}

/// JSON that no library wrote.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        number(),
        text(),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        let item = (blank(), inner, blank())
            .prop_map(|(before, value, after)| format!("{before}{value}{after}"))
            .boxed();
        let member = (blank(), text(), blank(), item.clone())
            .prop_map(|(before, key, after, value)| format!("{before}{key}{after}:{value}"));
        prop_oneof![
            prop::collection::vec(item, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_over_stdio_and_http() {
    let mut world = World::new();
    let stdio = world.script("stdio", &MIRROR.replace("mirror", "stdio"));
    let http = world.script("http", &MIRROR.replace("mirror", "http"));
    world.stdio("stdio", &["verbatim", "--script", &stdio]);
    world.http("http", &["verbatim", "--script", &http]);
    let running = world.start();
    let client = running.plain().await;
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let mut runner = TestRunner::new(Config {
            cases: CASES,
            failure_persistence: None,
            max_shrink_iters: 200,
            ..Config::default()
        });
        let case = (json(), prop::sample::select(vec!["stdio", "http"]));
        let checked = runner.run(&case, |(payload, backend)| {
            let payload = format!(r#"{{"p":{payload}}}"#);
            let exchange = runtime.block_on(client.open("tools/call", &tool(backend, &payload)));
            let messages = runtime.block_on(exchange.all());
            prop_assert_eq!(messages.len(), 2, "{:?}", messages);
            let log = part(&messages[0], "params");
            prop_assert_eq!(log, Some(format!(r#"{{"level":"info","data":{payload}}}"#)));
            prop_assert_eq!(part(&messages[1], "result"), Some(format!(r#"{{"got":{payload}}}"#)));
            Ok(())
        });
        checked.unwrap();
    });
    running.stop();
}
