//! Arguments of a call, and what their headers say.

use std::borrow::Cow;

use bytestring::ByteString;

use crate::decimal::Decimal;
use crate::header::Mismatch;
use crate::object::ObjectError;
use crate::{Object, Raw};

/// What a call says at a place where an argument may be.
#[derive(Debug)]
pub(super) enum Argument {
    /// Nothing, or `null`, which counts as nothing.
    Nothing,
    Text(ByteString),
    Truth(bool),
    Number(Raw),
    /// An object or a list, which no header mirrors.
    Structure,
}

/// The arguments of a call, looked into for one place after the other. What lies on the way to a place is kept for the
/// next one: as marks come in the order of their schema, no object is read twice.
pub(super) struct Places<'a> {
    arguments: &'a Object,
    /// The objects on the way to the last place, by name; `None` where there is no object.
    way: Vec<(&'a str, Option<Object>)>,
}

impl<'a> Places<'a> {
    pub(super) fn of(arguments: &'a Object) -> Self {
        Self {
            arguments,
            way: Vec::new(),
        }
    }

    /// What stands at the end of a path.
    ///
    /// # Errors
    /// When an object on the way has a member twice.
    pub(super) fn argument(&mut self, path: &'a [String]) -> Result<Argument, ObjectError> {
        let Some((last, before)) = path.split_last() else {
            return Ok(Argument::Nothing);
        };
        let same = self.way.iter().zip(before).take_while(|((name, _), key)| name == key);
        let same = same.count();
        self.way.truncate(same);
        for key in &before[same..] {
            let read = self.last().and_then(|object| object.get(key)).map(Object::parse);
            let (object, error) = match read {
                Some(Ok(object)) => (Some(object), None),
                Some(Err(error @ ObjectError::Duplicate(_))) => (None, Some(error)),
                Some(Err(ObjectError::NotAnObject(_))) | None => (None, None),
            };
            self.way.push((key, object));
            if let Some(error) = error {
                return Err(error);
            }
        }
        Ok(self
            .last()
            .map_or(Argument::Nothing, |object| Argument::member(object, last)))
    }

    /// The object that the way has led to so far.
    fn last(&self) -> Option<&Object> {
        match self.way.last() {
            Some((_, object)) => object.as_ref(),
            None => Some(self.arguments),
        }
    }
}

impl Argument {
    fn member(object: &Object, key: &str) -> Self {
        let Some(raw) = object.get(key) else {
            return Self::Nothing;
        };
        match raw.as_str().as_bytes().first() {
            Some(b'"') => object.get_str(key).map_or(Self::Nothing, Self::Text),
            Some(b't') => Self::Truth(true),
            Some(b'f') => Self::Truth(false),
            Some(b'{' | b'[') => Self::Structure,
            Some(b'-' | b'0'..=b'9') => Self::Number(raw.clone()),
            _ => Self::Nothing,
        }
    }

    /// The text that its header mirrors; whole numbers without point and exponent.
    pub(super) fn to_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Nothing | Self::Structure => None,
            Self::Text(text) => Some(Cow::Borrowed(text)),
            Self::Truth(truth) => Some(Cow::Borrowed(spelled(*truth))),
            Self::Number(raw) => Some(match Decimal::parse(raw.as_str()).and_then(|number| number.whole()) {
                Some(whole) => Cow::Owned(whole),
                None => Cow::Borrowed(raw.as_str()),
            }),
        }
    }

    /// Whether its header, decoded, says the same. A number that some clients cannot write exactly need not have one.
    pub(super) fn agrees(&self, said: Option<&str>) -> Result<(), Mismatch> {
        let Some(said) = said else {
            let number = match self {
                Self::Nothing | Self::Structure => return Ok(()),
                Self::Text(_) | Self::Truth(_) => None,
                Self::Number(raw) => Decimal::parse(raw.as_str()),
            };
            let may_lack = number.is_some_and(|number| number.is_unsafe_whole());
            return if may_lack { Ok(()) } else { Err(Mismatch::Missing) };
        };
        let same = match self {
            Self::Nothing | Self::Structure => return Err(Mismatch::NotInBody),
            Self::Text(text) => **text == *said,
            Self::Truth(truth) => spelled(*truth) == said,
            Self::Number(raw) => {
                let number = Decimal::parse(raw.as_str());
                raw.as_str() == said || (number.is_some() && number == Decimal::parse(said))
            }
        };
        if same { Ok(()) } else { Err(Mismatch::Differs) }
    }
}

fn spelled(truth: bool) -> &'static str {
    if truth { "true" } else { "false" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_whatever_was_looked_for_before() {
        let text = r#"{"a":{"b":{"c":"1","d":"2"},"e":"3"},"b":{"c":"4"},"s":"5"}"#;
        let arguments = Object::parse(&Raw::parse(text.to_owned()).unwrap()).unwrap();
        let all = [
            ("a.b.c", "1"),
            ("a.b.d", "2"),
            ("a.e", "3"),
            ("b.c", "4"),
            ("s", "5"),
            ("s.c", ""),
            ("a.x.c", ""),
        ];
        let paths = all.map(|(path, text)| (path.split('.').map(str::to_owned).collect::<Vec<_>>(), text));
        for (first, _) in &paths {
            for (path, text) in &paths {
                let mut places = Places::of(&arguments);
                places.argument(first).unwrap();
                let found = places.argument(path).unwrap();
                assert_eq!(found.to_text().unwrap_or_default(), *text, "{path:?} after {first:?}");
            }
        }
    }
}
