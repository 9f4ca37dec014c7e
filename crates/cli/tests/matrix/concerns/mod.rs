//! What a client of each generation must see (`docs/protocol.md`, "What is relayed").

mod asks;
mod calls;
mod changes;
mod ends;
mod lists;
mod talk;

use serde_json::{Map, Value, json};

use crate::kinds::Concern;
use crate::peer::Peer;
use crate::run::Cell;

/// Tries one thing; panics when it does not work.
pub(crate) async fn check<P: Peer>(concern: Concern, cell: &mut Cell<P>) {
    match concern {
        Concern::List => lists::list(cell).await,
        Concern::Call => calls::call(cell).await,
        Concern::Read => calls::read(cell).await,
        Concern::Prompt => calls::prompt(cell).await,
        Concern::Completion => calls::completion(cell).await,
        Concern::Progress => talk::progress(cell).await,
        Concern::Log => talk::log(cell).await,
        Concern::Cancel => ends::cancel(cell).await,
        Concern::Error => ends::error(cell).await,
        Concern::Elicitation => asks::elicitation(cell).await,
        Concern::Sampling => asks::sampling(cell).await,
        Concern::ListChanged => changes::list_changed(cell).await,
        Concern::Subscribe => changes::subscribe(cell).await,
    }
}

/// A result is what the backend wrote, byte by byte; after that, what a modern client needs and a legacy backend does not
/// say: these members.
fn assert_relayed<P: Peer>(cell: &Cell<P>, result: &str, written: &str, more: &Value) {
    if !cell.completes() {
        assert_eq!(result, written);
        return;
    }
    let open = written.strip_suffix('}').unwrap();
    assert!(result.starts_with(open), "{result} does not begin as {written}");
    let written: Map<String, Value> = serde_json::from_str(written).unwrap();
    let mut added: Map<String, Value> = serde_json::from_str(result).unwrap();
    added.retain(|member, _| !written.contains_key(member));
    let mut expected = json!({
        "resultType": "complete",
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "odd", "version": "1"}},
    });
    expected
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    assert_eq!(Value::Object(added), expected);
}
