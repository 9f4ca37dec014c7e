//! The resources of the `echo` server: a text, a picture, and the notes behind a template.

use serde_json::{Value, json};

use super::notes::Notes;

/// The template of the notes.
pub(super) const TEMPLATE: &str = "note://{id}";
/// A picture of one red pixel, as base64.
pub(super) const DOT: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// Where the picture is.
pub(super) const DOT_URI: &str = "demo://dot.png";

const ABOUT_URI: &str = "demo://about";
const ABOUT: &str = "This is the echo server of argus-mcp, here to be tried out.\n";

/// The URI of a note.
pub(super) fn note_uri(id: &str) -> String {
    format!("note://{id}")
}

pub(super) fn list(notes: &Notes) -> Vec<Value> {
    let about = json!({
        "uri": ABOUT_URI, "name": "about", "title": "About this server", "mimeType": "text/plain", "size": ABOUT.len(),
    });
    let dot = json!({ "uri": DOT_URI, "name": "dot", "title": "A red dot", "mimeType": "image/png" });
    let notes = notes.ids().into_iter().map(
        |id| json!({ "uri": note_uri(&id), "name": id, "title": format!("Note: {id}"), "mimeType": "text/plain" }),
    );
    [about, dot].into_iter().chain(notes).collect()
}

pub(super) fn describe_template() -> Value {
    json!({
        "uriTemplate": TEMPLATE,
        "name": "note",
        "title": "A note",
        "description": "A note by its id; write one with the tool write_note.",
        "mimeType": "text/plain",
    })
}

/// The contents of a resource, if there is one.
pub(super) fn read(notes: &Notes, uri: &str) -> Option<Value> {
    match uri {
        ABOUT_URI => Some(json!({ "uri": uri, "mimeType": "text/plain", "text": ABOUT })),
        DOT_URI => Some(json!({ "uri": uri, "mimeType": "image/png", "blob": DOT })),
        _ => {
            let text = notes.text(uri.strip_prefix("note://")?)?;
            Some(json!({ "uri": uri, "mimeType": "text/plain", "text": text }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_listed_can_be_read() {
        let notes = Notes::default();
        for resource in list(&notes) {
            let uri = resource["uri"].as_str().unwrap();
            assert_eq!(read(&notes, uri).unwrap()["mimeType"], resource["mimeType"]);
        }
        assert_eq!(read(&notes, "note://nobody-wrote-this"), None);
        assert_eq!(read(&notes, "demo://"), None);
    }
}
