//! Tools that ask the client something before they answer.

use serde_json::{Value, json};

use super::tool;
use crate::arguments::Arguments;
use crate::ask::{Ask, Stop};
use crate::call::Call;
use crate::example::text_result;

pub(super) fn describe() -> Vec<Value> {
    let prompt = json!({ "prompt": { "type": "string", "description": "What to ask the model" } });
    let none = json!({});
    vec![
        tool(
            "ask_user",
            "Ask the user",
            "Asks the user to fill in a small form.",
            &none,
            &[],
        ),
        tool(
            "ask_model",
            "Ask the model",
            "Asks the client's model.",
            &prompt,
            &["prompt"],
        ),
        tool(
            "ask_roots",
            "Ask for roots",
            "Asks the client for its roots.",
            &none,
            &[],
        ),
        tool(
            "introduce",
            "Introduce",
            "Asks the user for a name, then the model to greet it.",
            &none,
            &[],
        ),
    ]
}

pub(super) async fn ask_user(call: &Call) -> Result<Value, Stop> {
    let properties = json!({
        "name": { "type": "string", "title": "Your name", "minLength": 1 },
        "color": { "type": "string", "title": "Your favourite color", "enum": ["red", "green", "blue"], "default": "blue" },
        "newsletter": { "type": "boolean", "title": "Shall we write to you?", "default": false },
    });
    let answer = call
        .ask("form", Ask::form("Tell us about yourself.", &properties, &["name"]))
        .await?;
    Ok(text_result(match answer["action"].as_str() {
        Some("accept") => format!("The user answered: {}", answer["content"]),
        Some(action) => format!("The user did not answer ({action})."),
        None => "The user did not answer.".to_owned(),
    }))
}

pub(super) async fn ask_model(arguments: &Arguments, call: &Call) -> Result<Value, Stop> {
    let answer = call.ask("model", Ask::sample(arguments.text("prompt")?, 200)).await?;
    Ok(text_result(format!("The model answered: {}", said(&answer))))
}

pub(super) async fn ask_roots(call: &Call) -> Result<Value, Stop> {
    let answer = call.ask("roots", Ask::roots()).await?;
    Ok(text_result(format!("The roots are: {}", answer["roots"])))
}

pub(super) async fn introduce(call: &Call) -> Result<Value, Stop> {
    let properties = json!({ "name": { "type": "string", "title": "Your name" } });
    let form = call
        .ask("name", Ask::form("Who are you?", &properties, &["name"]))
        .await?;
    let Some(name) = form["content"]["name"].as_str() else {
        return Ok(text_result("Nobody to introduce."));
    };
    let greeting = call
        .ask("greeting", Ask::sample(&format!("Greet {name} in one sentence."), 100))
        .await?;
    Ok(text_result(format!("{name}: {}", said(&greeting))))
}

/// The text of a model's answer; the whole content where it is something else.
fn said(answer: &Value) -> String {
    match answer["content"]["text"].as_str() {
        Some(text) => text.to_owned(),
        None => answer["content"].to_string(),
    }
}
