//! What a backend says outside calls.

use super::lists::listed;
use crate::kinds::Era;
use crate::peer::Peer;
use crate::run::Cell;
use crate::script::{FRESH, TOOLS, UPDATED, WATCHED};

pub(super) async fn list_changed<P: Peer>(cell: &mut Cell<P>) {
    cell.peer.watch_tools().await;
    assert_eq!(listed(cell, "tools/list", "tools").await, TOOLS);
    cell.backend.change_tools();
    let told = cell.peer.told().await;
    assert_eq!(told.method, "notifications/tools/list_changed");
    // Whoever asks at once finds what was announced.
    let later: Vec<&str> = TOOLS.iter().copied().chain([FRESH]).collect();
    assert_eq!(listed(cell, "tools/list", "tools").await, later);
}

pub(super) async fn subscribe<P: Peer>(cell: &mut Cell<P>) {
    cell.peer.watch(WATCHED).await;
    cell.backend.change_resource();
    let told = loop {
        let told = cell.peer.told().await;
        // The tools may have changed before this.
        if told.method != "notifications/tools/list_changed" {
            break told;
        }
        assert_eq!(P::ERA, Era::Legacy, "it did not ask for that");
    };
    assert_eq!(told.method, "notifications/resources/updated");
    assert_eq!(told.params.as_deref(), Some(UPDATED));
    cell.peer.unwatch(WATCHED).await;
}
