//! Connections to backends behind a URL that break in mid-call: what does no harm is done again, once.

use std::path::PathBuf;
use std::time::Duration;

use argus_testkit::{Journal, TcpRelay, until};

use crate::metrics::{until_sample, value};
use crate::world::{Running, World, message, names, tool};

const TOOLS: &str = r#"[{"name": "write", "inputSchema": {"type": "object"}},
    {"name": "read", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}},
    {"name": "put", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": false, "idempotentHint": true}}]"#;
const RECEIVED: &str = r#"argus_backend_received_bytes_total{backend="odd"}"#;
const CAPABILITIES: &str = r#"{"tools": {}, "resources": {}, "prompts": {}}"#;

/// Where in an answer the connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Break {
    BeforeTheHead,
    InTheStream,
    InTheBody,
}

/// How much is said before the connection breaks: more than all that is said beside.
const SAID: usize = 64 << 10;

/// A backend of an era whose calls wait for a file, behind a network that can fail.
struct Waiting {
    running: Running,
    journal: Journal,
    relay: TcpRelay,
    gate: PathBuf,
}

async fn waiting(era: &str, place: Break) -> Waiting {
    let mut world = World::new();
    let gate = world.file("gate");
    let blanks = " ".repeat(SAID);
    let before = match place {
        Break::BeforeTheHead => String::new(),
        Break::InTheStream => {
            format!(r#"{{"notify": "notifications/message", "params": {{"level": "info", "data": "{blanks}"}}}},"#)
        }
        Break::InTheBody => format!(r#"{{"bytes": "{blanks}"}},"#),
    };
    let wait = format!(r#"[{before} {{"gate": {gate:?}}}, {{"result": {{"done": true}}}}]"#);
    let hello = match era {
        "modern" => format!(
            r#""server/discover": [{{"result": {{"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {CAPABILITIES}, "ttlMs": 0, "cacheScope": "public"}}}}]"#
        ),
        _ => format!(
            r#""initialize": [{{"result": {{"protocolVersion": "2025-11-25", "capabilities": {CAPABILITIES}, "serverInfo": {{"name": "odd", "version": "1"}}}}}}]"#
        ),
    };
    let script = format!(
        r#"{{{hello}, "tools/list": [{{"result": {{"tools": {TOOLS}}}}}],
            "resources/list": [{{"result": {{"resources": [{{"uri": "odd://one", "name": "one"}}]}}}}],
            "prompts/list": [{{"result": {{"prompts": [{{"name": "one"}}]}}}}],
            "tools/call": {wait}, "resources/read": {wait}, "prompts/get": {wait}}}"#
    );
    let script = world.script("odd", &script.replace('\n', " "));
    let mut arguments = vec!["verbatim", "--script", &script, "--era", era];
    if place == Break::InTheBody {
        arguments.push("--json");
    }
    let journal = world.http("odd", &arguments);
    let relay = world.through_relay("odd").await;
    let running = world.start();
    running.says("backend is ready backend=odd");
    Waiting {
        running,
        journal,
        relay,
        gate,
    }
}

/// What there was before a call.
#[derive(Clone, Copy)]
struct Before {
    messages: usize,
    received: f64,
}

impl Waiting {
    /// The next call is to wait.
    async fn before(&self, method: &str) -> Before {
        let _ = std::fs::remove_file(&self.gate);
        let page = self.running.modern().page("/metrics").await;
        Before {
            messages: self.journal.messages(method).len(),
            received: value(&page, RECEIVED).unwrap(),
        }
    }

    /// How often the backend heard of the call.
    fn heard(&self, method: &str, before: Before) -> usize {
        self.journal.messages(method).len() - before.messages
    }

    /// Breaks the connection of a call that is about to be made, when the backend works on it, and lets it end.
    async fn broken(&self, method: &str, before: Before, place: Break) {
        let arrived = || self.heard(method, before) > 0;
        assert!(
            until(Duration::from_secs(10), arrived).await,
            "{method} does not arrive"
        );
        if place != Break::BeforeTheHead {
            // The gateway has read what is said at once; answers to what is asked beside do not count.
            let most = before.received + SAID as f64;
            until_sample(&self.running.modern(), RECEIVED, |received| received >= most).await;
        }
        self.relay.cut().await;
        std::fs::write(&self.gate, "").unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_no_harm_is_done_again_on_a_new_connection() {
    for place in [Break::BeforeTheHead, Break::InTheStream, Break::InTheBody] {
        for era in ["legacy", "modern"] {
            let backend = waiting(era, place).await;
            let running = &backend.running;
            for client in [running.plain().await, running.askable().await, running.modern()] {
                for (method, params) in [
                    ("tools/call", tool("read", "{}")),
                    ("tools/call", tool("put", "{}")),
                    ("resources/read", r#"{"uri":"odd://one"}"#.to_owned()),
                    ("prompts/get", r#"{"name":"one"}"#.to_owned()),
                ] {
                    let before = backend.before(method).await;
                    let calling = client.result(method, &params);
                    let breaking = backend.broken(method, before, place);
                    let (result, ()) = futures::join!(calling, breaking);
                    assert!(result.contains(r#""done": true"#), "{place:?} {era} {params}: {result}");
                    assert_eq!(backend.heard(method, before), 2, "{place:?} {era} {method} {params}");
                }
            }
            backend.running.stop();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_do_harm_is_not_done_again_and_says_why() {
    for place in [Break::BeforeTheHead, Break::InTheStream, Break::InTheBody] {
        for era in ["legacy", "modern"] {
            let backend = waiting(era, place).await;
            let running = &backend.running;
            for client in [running.plain().await, running.askable().await, running.modern()] {
                let before = backend.before("tools/call").await;
                let write = tool("write", "{}");
                let calling = client.error("tools/call", &write);
                let breaking = backend.broken("tools/call", before, place);
                let (error, ()) = futures::join!(calling, breaking);
                let said = message(&error);
                let cause = match place {
                    Break::InTheBody => "backend `odd`: the answer broke off: ",
                    _ => "backend `odd`: the connection broke before the answer",
                };
                assert!(said.starts_with(cause), "{place:?} {era}: {said}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                assert_eq!(
                    backend.heard("tools/call", before),
                    1,
                    "{place:?} {era}: it was done again"
                );
            }
            backend.running.stop();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_whose_connection_breaks_is_read_again_and_never_empty() {
    for place in [Break::BeforeTheHead, Break::InTheStream] {
        let mut world = World::new();
        let gate = world.file("gate");
        let before = match place {
            Break::InTheStream => r#"{"notify": "notifications/message", "params": {"level": "info", "data": 1}},"#,
            _ => "",
        };
        let script = format!(
            r#"{{"tools/call change": [{{"turn": true}}, {{"feed": "notifications/tools/list_changed"}}, {{"result": {{}}}}],
                "tools/list": [{{"result": {{"tools": [{{"name": "change", "inputSchema": {{"type": "object"}}}}]}}}}],
                "tools/list#1": [{before} {{"gate": {gate:?}}}, {{"result": {{"tools": [{{"name": "fresh", "inputSchema": {{"type": "object"}}}}]}}}}]}}"#
        );
        let script = world.script("odd", &script);
        let journal = world.http("odd", &["verbatim", "--script", &script]);
        let relay = world.through_relay("odd").await;
        let running = world.start();
        let client = running.plain().await;
        client.result("tools/call", &tool("change", "{}")).await;
        let listing = || journal.messages("tools/list").len() >= 2;
        assert!(until(Duration::from_secs(5), listing).await, "the change is not heard");
        tokio::time::sleep(Duration::from_millis(200)).await;
        relay.cut().await;
        std::fs::write(&gate, "").unwrap();
        let mut listed = names(&client.result("tools/list", "{}").await, "tools");
        for _ in 0..1000 {
            if listed != ["change"] {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            listed = names(&client.result("tools/list", "{}").await, "tools");
        }
        assert_eq!(listed, ["fresh"], "{}", running.said());
        running.stop();
    }
}
