//! What a backend says in the midst of a call.

use argus_testkit::part;

use crate::kinds::Era;
use crate::peer::Peer;
use crate::run::Cell;
use crate::script::{LOGS, PROGRESS};

pub(super) async fn progress<P: Peer>(cell: &mut Cell<P>) {
    for token in [r#""t\u00f6ken""#, "7"] {
        let params = format!(r#"{{"name":"progress","_meta":{{"progressToken":{token}}}}}"#);
        let mut said = cell.peer.all("tools/call", &params).await;
        let answer = said.pop().unwrap();
        assert!(part(&answer, "result").is_some(), "{answer}");
        let expected: Vec<_> = PROGRESS
            .iter()
            .map(|params| params.replace(r#""@token""#, token))
            .collect();
        assert_eq!(params_of(&said, "notifications/progress"), expected);
    }
}

pub(super) async fn log<P: Peer>(cell: &mut Cell<P>) {
    // A legacy client that wants no level gets what the server thinks right; a modern one gets nothing.
    if P::ERA == Era::Modern {
        assert_eq!(logged(cell).await, [""; 0]);
    }
    for (level, heard) in [("error", &LOGS[2..]), ("debug", LOGS), ("info", &LOGS[1..])] {
        cell.peer.want_level(level).await;
        assert_eq!(logged(cell).await, heard, "{level}");
        assert_told(cell, level);
    }
}

/// What a call logs.
async fn logged<P: Peer>(cell: &mut Cell<P>) -> Vec<String> {
    let mut said = cell.peer.all("tools/call", r#"{"name":"log"}"#).await;
    let answer = said.pop().unwrap();
    assert!(part(&answer, "result").is_some(), "{answer}");
    params_of(&said, "notifications/message")
}

/// The backend knows what is wanted, each in its own way.
fn assert_told<P: Peer>(cell: &Cell<P>, level: &str) {
    let (method, key) = match cell.era() {
        Era::Legacy => ("logging/setLevel", "level"),
        Era::Modern => ("tools/call", "io.modelcontextprotocol/logLevel"),
    };
    let told = cell.backend.journal.messages(method).pop().unwrap();
    let params = told.params().unwrap();
    let place = match cell.era() {
        Era::Legacy => params,
        Era::Modern => part(&params, "_meta").unwrap(),
    };
    assert_eq!(part(&place, key), Some(format!("{level:?}")));
}

/// The parameters of notifications that are all of this method.
fn params_of(said: &[String], method: &str) -> Vec<String> {
    let params = |message: &String| {
        assert_eq!(part(message, "method"), Some(format!("{method:?}")), "{message}");
        part(message, "params").unwrap()
    };
    said.iter().map(params).collect()
}
