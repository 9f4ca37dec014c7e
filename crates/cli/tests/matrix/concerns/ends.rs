//! Calls that do not end well.

use argus_testkit::{Entry, part};

use crate::backend::{FAILURE, MISSING, missing};
use crate::kinds::{Era, Over};
use crate::peer::Peer;
use crate::run::Cell;

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
fn ends<P>(cell: &Cell<P>, call: &Entry, entry: &Entry) -> bool {
    let side = cell.backend.side;
    if (side.era, side.over) == (Era::Modern, Over::Http) {
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
    let era = if cell.completes() {
        Era::Modern
    } else {
        cell.backend.side.era
    };
    assert_eq!(absent, missing(era));

    let id = cell.peer.start("odd/unknown", "{}").await;
    let unknown = cell.peer.hear(&id).await;
    let unknown = part(&unknown, "error").unwrap_or_else(|| panic!("it works: {unknown}"));
    assert_eq!(part(&unknown, "code").as_deref(), Some("-32601"), "{unknown}");
    if let Some(status) = cell.peer.status(&id) {
        assert_eq!(status, 404);
    }
}
