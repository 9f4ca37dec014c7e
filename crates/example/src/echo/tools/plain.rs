//! Tools that answer at once from their arguments.

use serde_json::{Number, Value, json};

use super::tool;
use crate::arguments::Arguments;
use crate::ask::Stop;
use crate::echo::resources;
use crate::example::{structured_result, text_result};

pub(super) fn describe() -> Vec<Value> {
    let message = json!({ "message": { "type": "string", "description": "Any text" } });
    let numbers = json!({ "a": { "type": "number" }, "b": { "type": "number" } });
    let mut add = tool(
        "add",
        "Add",
        "Adds two numbers; the sum also comes as structured content.",
        &numbers,
        &["a", "b"],
    );
    add["outputSchema"] =
        json!({ "type": "object", "properties": { "sum": { "type": "number" } }, "required": ["sum"] });
    let about_content = "Answers with one content block of each common type.";
    vec![
        tool("echo", "Echo", "Says what you say.", &message, &["message"]),
        add,
        tool("sample_content", "Sample content", about_content, &json!({}), &[]),
        tool("fail", "Fail", "Always answers with a tool error.", &message, &[]),
    ]
}

pub(super) fn echo(arguments: &Arguments) -> Result<Value, Stop> {
    Ok(text_result(arguments.text("message")?))
}

pub(super) fn add(arguments: &Arguments) -> Result<Value, Stop> {
    let sum = sum(arguments.number("a")?, arguments.number("b")?);
    let sum = sum.ok_or_else(|| Stop::Failed("the sum is too large".to_owned()))?;
    Ok(structured_result(&json!({ "sum": sum })))
}

pub(super) fn sample_content() -> Value {
    json!({
        "content": [
            { "type": "text", "text": "A text, a picture, a link to a resource and a resource itself:" },
            { "type": "image", "data": resources::DOT, "mimeType": "image/png" },
            { "type": "resource_link", "uri": resources::DOT_URI, "name": "dot", "mimeType": "image/png" },
            {
                "type": "resource",
                "resource": { "uri": "demo://inline", "mimeType": "text/plain", "text": "Embedded." },
                "annotations": { "audience": ["user"], "priority": 0.5 },
            },
        ],
    })
}

pub(super) fn fail(arguments: &Arguments) -> Result<Value, Stop> {
    Err(Stop::Failed(
        arguments.text_or("message", "this tool always fails")?.to_owned(),
    ))
}

/// The sum, whole if both numbers are and it fits; `None` if it is not finite.
fn sum(a: &Number, b: &Number) -> Option<Number> {
    let whole = a.as_i64().zip(b.as_i64()).and_then(|(a, b)| a.checked_add(b));
    whole
        .map(Number::from)
        .or_else(|| Number::from_f64(a.as_f64()? + b.as_f64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_stay_whole_and_nothing_overflows() {
        let sum = |a: Value, b: Value| sum(a.as_number().unwrap(), b.as_number().unwrap()).map(Value::Number);
        assert_eq!(sum(json!(2), json!(3)), Some(json!(5)));
        assert_eq!(sum(json!(2), json!(0.5)), Some(json!(2.5)));
        assert_eq!(sum(json!(i64::MAX), json!(1)), Some(json!(9_223_372_036_854_775_808.0)));
        assert_eq!(sum(json!(f64::MAX), json!(f64::MAX)), None);
    }
}
