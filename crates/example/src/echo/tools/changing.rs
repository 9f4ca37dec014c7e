//! Tools that change what the server offers, and say so.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::tool;
use crate::arguments::Arguments;
use crate::ask::Stop;
use crate::call::{Call, Change};
use crate::echo::Echo;
use crate::echo::notes::Written;
use crate::echo::resources::note_uri;
use crate::example::text_result;

pub(super) fn describe() -> Vec<Value> {
    let note = json!({
        "id": { "type": "string", "description": "1 to 64 letters, digits, - or _" },
        "text": { "type": "string" },
    });
    let about_note = "Writes the note note://{id}; subscribers of the resource are told.";
    let about_toggle = "Adds or removes the tool `shout`; the change is announced.";
    vec![
        tool("write_note", "Write a note", about_note, &note, &["id", "text"]),
        tool("toggle_shout", "Toggle shouting", about_toggle, &json!({}), &[]),
    ]
}

pub(super) fn describe_shout() -> Value {
    tool(
        "shout",
        "Shout",
        "Says what you say, loudly.",
        &json!({ "message": { "type": "string" } }),
        &["message"],
    )
}

pub(super) async fn write_note(server: &Echo, arguments: &Arguments, call: &Call) -> Result<Value, Stop> {
    let id = arguments.text("id")?;
    let uri = note_uri(id);
    let done = match server.notes.write(id, arguments.text("text")?).map_err(Stop::Failed)? {
        Written::Added => {
            call.announce(Change::Resources).await;
            "added"
        }
        Written::Changed => {
            call.announce(Change::Resource(uri.clone())).await;
            "changed"
        }
        Written::Same => "left as it was",
    };
    Ok(text_result(format!("The note {uri} was {done}.")))
}

pub(super) async fn toggle_shout(server: &Echo, call: &Call) -> Value {
    let was_there = server.shouting.fetch_not(Ordering::Relaxed);
    call.announce(Change::Tools).await;
    text_result(if was_there {
        "The tool `shout` is gone."
    } else {
        "The tool `shout` is there now."
    })
}

pub(super) fn shout(arguments: &Arguments) -> Result<Value, Stop> {
    Ok(text_result(arguments.text("message")?.to_uppercase()))
}
