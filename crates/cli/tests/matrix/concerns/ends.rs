//! Calls that do not end well.

use argus_testkit::{Entry, part};

use crate::kinds::{Era, Over};
use crate::peer::Peer;
use crate::run::Cell;
use crate::script::{FAILURE, MISSING, missing};

pub(super) async fn cancel<P: Peer>(cell: &mut Cell<P>) {
    let params = r#"{"name":"wait","_meta":{"progressToken":1}}"#;
    let id = cell.peer.start("tools/call", params).await;
    let runs = cell.peer.hear(&id).await;
    assert!(runs.contains("notifications/progress"), "{runs}");
    cell.peer.cancel(&id).await;
    let call = cell.backend.journal.messages("tools/call").pop().unwrap();
    let ended = cell.backend.journal.find(|entry| ends(cell, &call, entry)).await;
    assert!(ended.is_some(), "the backend works on");
    // Everything else goes on, and nothing answers what was cancelled.
    cell.peer.result("tools/call", r#"{"name":"call"}"#).await;
    assert!(!cell.peer.is_answered(&id).await);
}

/// Whether this cancels the call at the backend.
fn ends<P: Peer>(cell: &Cell<P>, call: &Entry, entry: &Entry) -> bool {
    let side = cell.backend.side;
    if (cell.era(), side.over) == (Era::Modern, Over::Http) {
        return entry.what == "closed" && entry.text == call.text;
    }
    let cancelled = || part(&entry.params()?, "requestId");
    entry.pid == call.pid
        && entry.method().as_deref() == Some("notifications/cancelled")
        && cancelled() == part(&call.text, "id")
}

pub(super) async fn error<P: Peer>(cell: &mut Cell<P>) {
    let failed = cell.peer.error("tools/call", r#"{"name":"fail"}"#).await;
    assert_eq!(failed, FAILURE);

    let absent = cell
        .peer
        .error("resources/read", &format!(r#"{{"uri":"{MISSING}"}}"#))
        .await;
    // A legacy client takes either code; a modern one must not see that of its elders.
    let era = if cell.completes() { Era::Modern } else { cell.era() };
    assert_eq!(absent, missing(era));

    // What a modern client must find gone is answered by the gateway; a legacy one has it.
    let gone = ["odd/unknown", "ping", "logging/setLevel", "resources/subscribe"];
    let unknown = if P::ERA == Era::Modern { &gone[..] } else { &gone[..1] };
    for method in unknown {
        let id = cell.peer.start(method, "{}").await;
        let refused = cell.peer.hear(&id).await;
        let refused = part(&refused, "error").unwrap_or_else(|| panic!("{method} works: {refused}"));
        assert_eq!(part(&refused, "code").as_deref(), Some("-32601"), "{method}: {refused}");
        if let Some(status) = cell.peer.status(&id) {
            assert_eq!(status, 404, "{method}");
        }
    }
    if P::ERA == Era::Legacy {
        assert_eq!(cell.peer.result("ping", "{}").await, "{}");
    }
}
