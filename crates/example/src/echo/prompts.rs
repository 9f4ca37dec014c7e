//! The prompts of the `echo` server.

use serde_json::{Value, json};

use super::notes::Notes;
use super::resources;
use crate::fault::Fault;
use crate::message::Object;

/// Name of the prompt with two arguments, one of which completes.
pub(super) const TRANSLATE: &str = "translate";
/// Name of the prompt that embeds a note.
pub(super) const SUMMARIZE: &str = "summarize_note";

const GREET: &str = "greet";
const LANGUAGES: [&str; 6] = ["Dutch", "English", "French", "German", "Greek", "Spanish"];

pub(super) fn list() -> Vec<Value> {
    vec![
        json!({ "name": GREET, "title": "Say hello", "description": "A prompt without arguments." }),
        json!({
            "name": TRANSLATE,
            "title": "Translate",
            "description": "Translates a text.",
            "arguments": [
                { "name": "text", "description": "What to translate", "required": true },
                { "name": "language", "description": "Into which language (English if absent)" },
            ],
        }),
        json!({
            "name": SUMMARIZE,
            "title": "Summarize a note",
            "description": "Summarizes a note, which comes along as an embedded resource.",
            "arguments": [{ "name": "id", "description": "The id of the note", "required": true }],
        }),
    ]
}

/// Values for the argument `language`.
pub(super) fn languages() -> Vec<String> {
    LANGUAGES.iter().map(|language| (*language).to_owned()).collect()
}

pub(super) fn get(notes: &Notes, name: &str, arguments: &Object) -> Result<Value, Fault> {
    let contents = match name {
        GREET => vec![text("Say hello to me.")],
        TRANSLATE => vec![translate(arguments)?],
        SUMMARIZE => summarize(notes, arguments)?,
        _ => return Err(Fault::InvalidParams(format!("unknown prompt: {name}"))),
    };
    let messages: Vec<Value> = contents
        .into_iter()
        .map(|content| json!({ "role": "user", "content": content }))
        .collect();
    Ok(json!({ "messages": messages }))
}

fn translate(arguments: &Object) -> Result<Value, Fault> {
    let wanted = required(arguments, "text")?;
    let language = arguments.get("language").and_then(Value::as_str).unwrap_or("English");
    Ok(text(&format!("Translate into {language}:\n\n{wanted}")))
}

fn summarize(notes: &Notes, arguments: &Object) -> Result<Vec<Value>, Fault> {
    let id = required(arguments, "id")?;
    let note = resources::read(notes, &resources::note_uri(id));
    let note = note.ok_or_else(|| Fault::InvalidParams(format!("there is no note `{id}`")))?;
    Ok(vec![
        text("Summarize this note in one sentence."),
        json!({ "type": "resource", "resource": note }),
    ])
}

fn required<'a>(arguments: &'a Object, name: &str) -> Result<&'a str, Fault> {
    let value = arguments.get(name).and_then(Value::as_str);
    value.ok_or_else(|| Fault::InvalidParams(format!("the prompt argument `{name}` is required")))
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(name: &str, arguments: &Value) -> Result<Value, Fault> {
        get(&Notes::default(), name, arguments.as_object().unwrap()).map(|result| result["messages"].clone())
    }

    #[test]
    fn arguments_end_up_in_the_text() {
        let found = messages(TRANSLATE, &json!({"text": "Guten Tag", "language": "Dutch"})).unwrap();
        assert_eq!(found[0]["content"]["text"], "Translate into Dutch:\n\nGuten Tag");
        let found = messages(SUMMARIZE, &json!({"id": "groceries"})).unwrap();
        assert_eq!(found[1]["content"]["resource"]["text"], "Bread");
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused() {
        assert!(messages(TRANSLATE, &json!({})).is_err());
        assert!(messages(SUMMARIZE, &json!({"id": "none"})).is_err());
        assert!(messages("none", &json!({})).is_err());
    }
}
