//! Requests with one answer and nothing before it.

use argus_testkit::part;
use serde_json::json;

use super::assert_relayed;
use crate::kinds::{Era, Over};
use crate::peer::Peer;
use crate::run::Cell;
use crate::script::{CALLED, COMPLETED, GREETED, READ, in_era};
use crate::wire::DECLARED;

const ARGUMENTS: &str = r#"{ "z":1.0, "a":[1E+05,12345678901234567890], "\u00e9":"\u00e9 \/ é" }"#;

pub(super) async fn call<P: Peer>(cell: &mut Cell<P>) {
    let params = format!(r#"{{"name":"call","arguments":{ARGUMENTS}}}"#);
    let result = cell.peer.result("tools/call", &params).await;
    let written = in_era(cell.era(), CALLED).replace(r#""@arguments""#, ARGUMENTS);
    assert_relayed(cell, &result, &written, &json!({}));
    if cell.era() == Era::Modern {
        assert_introduced(cell);
    }
}

/// A modern backend is told of every call who makes it, whatever its client.
fn assert_introduced<P: Peer>(cell: &Cell<P>) {
    let call = cell.backend.journal.messages("tools/call").pop().unwrap();
    let meta = part(&call.params().unwrap(), "_meta").unwrap();
    let named = |key: &str| part(&meta, &format!("io.modelcontextprotocol/{key}"));
    assert_eq!(named("clientCapabilities").unwrap(), DECLARED);
    assert_eq!(named("protocolVersion").unwrap(), r#""2026-07-28""#);
    if cell.backend.side.over == Over::Http {
        assert_eq!(call.headers["mcp-protocol-version"], "2026-07-28");
        assert_eq!(call.headers["mcp-method"], "tools/call");
        assert_eq!(call.headers["mcp-name"], "call");
    }
}

pub(super) async fn read<P: Peer>(cell: &mut Cell<P>) {
    let result = cell.peer.result("resources/read", r#"{"uri":"odd://one"}"#).await;
    let hints = json!({"ttlMs": 0, "cacheScope": "private"});
    assert_relayed(cell, &result, &in_era(cell.era(), READ), &hints);
}

pub(super) async fn prompt<P: Peer>(cell: &mut Cell<P>) {
    let arguments = r#"{"who":"\u00c9va"}"#;
    let params = format!(r#"{{"name":"greet","arguments":{arguments}}}"#);
    let result = cell.peer.result("prompts/get", &params).await;
    let written = in_era(cell.era(), GREETED).replace(r#""@arguments""#, arguments);
    assert_relayed(cell, &result, &written, &json!({}));
}

pub(super) async fn completion<P: Peer>(cell: &mut Cell<P>) {
    let params = r#"{"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"who","value":"\u00e9"}}"#;
    let result = cell.peer.result("completion/complete", params).await;
    assert_relayed(cell, &result, &in_era(cell.era(), COMPLETED), &json!({}));
    let asked = cell.backend.journal.messages("completion/complete").pop().unwrap();
    let argument = part(&asked.params().unwrap(), "argument");
    assert_eq!(argument, part(params, "argument"));
}
