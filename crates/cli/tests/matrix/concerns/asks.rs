//! What a backend asks the client in the midst of a call.

use argus_testkit::part;

use crate::kinds::Era;
use crate::peer::Peer;
use crate::run::Cell;
use crate::script::{FORM, KEY, SAMPLE, STATE};

pub(super) async fn elicitation<P: Peer>(cell: &mut Cell<P>) {
    let given = r#"{"action":"accept", "content":{"n":1.0,"s":"\u00e9 \/ é"}}"#;
    asked(cell, "form", ("elicitation/create", FORM), given).await;
}

pub(super) async fn sampling<P: Peer>(cell: &mut Cell<P>) {
    let given = r#"{"role":"assistant","content":{"type":"text","text":"\u00e9 \/ é"},"model":"m", "x":1e5}"#;
    asked(cell, "sample", ("sampling/createMessage", SAMPLE), given).await;
}

/// The question reaches the client as it was written, and so does the answer the backend.
async fn asked<P: Peer>(cell: &mut Cell<P>, tool: &str, (method, params): (&str, &str), given: &str) {
    let arguments = r#"{"n":1.0, "s":"\u00e9"}"#;
    let before = cell.backend.journal.messages("tools/call").len();
    let call = format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#);
    let asked = cell.peer.asked("tools/call", &call, given).await;
    assert_eq!((asked.method.as_str(), asked.params.as_str()), (method, params));
    let calls = cell.backend.journal.messages("tools/call").len() - before;
    match cell.era() {
        Era::Legacy => {
            assert_eq!(part(&asked.result, "answer").unwrap(), given);
            assert_eq!(calls, 1, "the call runs once, however often its client comes");
        }
        Era::Modern => {
            let got = part(&asked.result, "got").unwrap();
            assert_eq!(part(&got, "arguments").unwrap(), arguments);
            assert_eq!(part(&got, "inputResponses").unwrap(), format!("{{{KEY}:{given}}}"));
            assert_eq!(part(&got, "requestState").unwrap(), STATE);
            assert_eq!(calls, 2);
        }
    }
}
