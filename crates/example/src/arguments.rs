//! The arguments of a tool call. What is wrong with them is told to the model, not to the protocol.

use std::ops::RangeInclusive;

use serde_json::{Number, Value};

use crate::ask::Stop;
use crate::message::Object;

/// The `arguments` object of a call.
#[derive(Debug, Default)]
pub(crate) struct Arguments(Object);

impl Arguments {
    /// Wraps the object.
    pub(crate) fn new(object: Object) -> Self {
        Self(object)
    }

    /// A text that must be there.
    pub(crate) fn text(&self, name: &str) -> Result<&str, Stop> {
        self.0
            .get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| wrong(name, "must be a string"))
    }

    /// A text, or else a default.
    pub(crate) fn text_or<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, Stop> {
        if self.0.contains_key(name) {
            self.text(name)
        } else {
            Ok(default)
        }
    }

    /// A number that must be there.
    pub(crate) fn number(&self, name: &str) -> Result<&Number, Stop> {
        self.0
            .get(name)
            .and_then(Value::as_number)
            .ok_or_else(|| wrong(name, "must be a number"))
    }

    /// A whole number within a range, or else a default.
    pub(crate) fn integer_or(&self, name: &str, default: u64, range: RangeInclusive<u64>) -> Result<u64, Stop> {
        let Some(value) = self.0.get(name) else {
            return Ok(default);
        };
        let fits = value.as_u64().filter(|number| range.contains(number));
        fits.ok_or_else(|| {
            wrong(
                name,
                &format!("must be a whole number from {} to {}", range.start(), range.end()),
            )
        })
    }
}

fn wrong(name: &str, what: &str) -> Stop {
    Stop::Failed(format!("the argument `{name}` {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wrong_types_are_named() {
        let Value::Object(object) = json!({"text": 1, "count": -1, "number": "1"}) else {
            panic!()
        };
        let arguments = Arguments::new(object);
        assert_eq!(arguments.text("text"), Err(wrong("text", "must be a string")));
        assert_eq!(arguments.text("absent"), Err(wrong("absent", "must be a string")));
        assert_eq!(arguments.text_or("absent", "x"), Ok("x"));
        assert!(arguments.number("number").is_err());
        assert_eq!(arguments.integer_or("absent", 3, 0..=9), Ok(3));
        assert_eq!(
            arguments.integer_or("count", 3, 0..=9),
            Err(wrong("count", "must be a whole number from 0 to 9"))
        );
    }
}
