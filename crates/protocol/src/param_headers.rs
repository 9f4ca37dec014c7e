//! `Mcp-Param-*`: arguments of a tool that are mirrored in headers (MCP 2026-07-28 "Custom headers from tool parameters").

use std::borrow::Cow;

use bytestring::ByteString;
use http::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::decimal::Decimal;
use crate::header::{self, Mismatch};
use crate::object::ObjectError;
use crate::{Object, Raw, RpcError, Sought, code, shown};

/// Marks a property of a tool's schema.
const MARK: &str = "x-mcp-header";
static MARKED: Sought = Sought::new(MARK);

/// Keywords of JSON Schema that hold a schema or a list of schemas, through which no argument is reached.
const SCHEMAS: [&str; 16] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords that hold schemas by name, through which no argument is reached.
const NAMED_SCHEMAS: [&str; 5] = [
    "$defs",
    "definitions",
    "dependencies",
    "dependentSchemas",
    "patternProperties",
];

/// The arguments of one tool that are mirrored in headers; there is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamHeaders(Box<[Mirrored]>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mirrored {
    /// The names of the properties that lead to it.
    path: Box<[String]>,
    header: HeaderName,
}

/// A mark that is not as it must be: clients over Streamable HTTP leave the tool out (MCP 2026-07-28 "Schema extension").
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}`: x-mcp-header {fault}", shown(.path))]
pub struct BadMark {
    path: String,
    fault: Fault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("is only allowed on what is reached through `properties` alone")]
    Unreachable,
    #[error("must be a string that can be a part of a header's name")]
    NoToken,
    #[error("is only allowed on the types string, integer and boolean")]
    WrongType,
    #[error("names the same header as another one")]
    Twice,
    #[error("stands in a schema that cannot be read")]
    Unreadable,
}

impl ParamHeaders {
    /// What the definition of a tool marks; `None` where that is nothing.
    ///
    /// # Errors
    /// When a mark is not as it must be.
    pub fn of_tool(tool: &Raw) -> Result<Option<Self>, BadMark> {
        if !Self::may_be_in(tool) {
            return Ok(None);
        }
        let schema = Object::parse(tool)
            .ok()
            .and_then(|read| read.get("inputSchema").cloned());
        let Some(schema) = schema.filter(Self::may_be_in) else {
            return Ok(None);
        };
        match schema.read::<Value>() {
            Ok(schema) => Self::of_schema(&schema),
            Err(_) => Err(BadMark {
                path: "inputSchema".to_owned(),
                fault: Fault::Unreadable,
            }),
        }
    }

    /// Whether a tool, or a list of tools, may mark something: a quick look, for hardly any does. `false` is certain.
    #[must_use]
    pub fn may_be_in(tools: &Raw) -> bool {
        tools.may_have(&MARKED)
    }

    /// The same of an `inputSchema`.
    ///
    /// # Errors
    /// When a mark is not as it must be.
    fn of_schema(schema: &Value) -> Result<Option<Self>, BadMark> {
        let mut found = Vec::new();
        walk(schema, &mut Vec::new(), true, &mut found)?;
        Ok((!found.is_empty()).then(|| Self(found.into())))
    }

    /// The headers that a call with these arguments needs.
    #[must_use]
    pub fn make(&self, arguments: Option<&Raw>) -> Vec<(HeaderName, HeaderValue)> {
        let Some(arguments) = arguments.and_then(|arguments| Object::parse(arguments).ok()) else {
            return Vec::new();
        };
        let mut places = Places::of(&arguments);
        let made = self.0.iter().filter_map(|mirrored| {
            let argument = places.argument(&mirrored.path).ok()?;
            let value = HeaderValue::from_str(&header::encode_value(&argument.to_text()?)).ok()?;
            Some((mirrored.header.clone(), value))
        });
        made.collect()
    }

    /// Whether the headers of a call say what its arguments say. Other headers are not looked at.
    ///
    /// # Errors
    /// [`code::HEADER_MISMATCH`] where one says something else, [`code::INVALID_PARAMS`] where the arguments say two
    /// things at once.
    pub fn check(&self, arguments: Option<&Raw>, given: &[(HeaderName, HeaderValue)]) -> Result<(), RpcError> {
        let arguments = match arguments.map(Object::parse) {
            Some(Ok(arguments)) => Some(arguments),
            Some(Err(error @ ObjectError::Duplicate(_))) => return Err(ambiguous(&error)),
            // Arguments that are no object hold none of these.
            Some(Err(ObjectError::NotAnObject(_))) | None => None,
        };
        let mut places = arguments.as_ref().map(Places::of);
        for Mirrored { path, header } in &self.0 {
            let argument = match &mut places {
                Some(places) => places.argument(path).map_err(|error| ambiguous(&error))?,
                None => Argument::Nothing,
            };
            let values = given.iter().filter(|(name, _)| name == header).map(|(_, value)| value);
            let agree = header::the_only_decoded(values).and_then(|said| argument.agrees(said.as_deref()));
            agree.map_err(|mismatch| mismatch.of(header.as_str()))?;
        }
        Ok(())
    }
}

fn ambiguous(error: &ObjectError) -> RpcError {
    RpcError::new(code::INVALID_PARAMS, format!("params.arguments: {error}"))
}

/// Looks for marks wherever a schema can be. Depth is bounded by what the JSON reader reads.
fn walk(schema: &Value, path: &mut Vec<String>, reachable: bool, found: &mut Vec<Mirrored>) -> Result<(), BadMark> {
    let Some(schema) = schema.as_object() else {
        return Ok(());
    };
    if let Some(mark) = schema.get(MARK) {
        let bad = |fault| BadMark {
            path: path.join("."),
            fault,
        };
        if !reachable || path.is_empty() {
            return Err(bad(Fault::Unreachable));
        }
        let header = header_of(mark).ok_or_else(|| bad(Fault::NoToken))?;
        if !matches!(
            schema.get("type").and_then(Value::as_str),
            Some("string" | "integer" | "boolean")
        ) {
            return Err(bad(Fault::WrongType));
        }
        if found.iter().any(|other| other.header == header) {
            return Err(bad(Fault::Twice));
        }
        found.push(Mirrored {
            path: path.clone().into(),
            header,
        });
    }
    for (keyword, value) in schema {
        let (keyword, named) = (keyword.as_str(), value.as_object());
        if keyword == "properties" {
            for (name, property) in named.into_iter().flatten() {
                path.push(name.clone());
                walk(property, path, reachable, found)?;
                path.pop();
            }
        } else if NAMED_SCHEMAS.contains(&keyword) {
            for schema in named.into_iter().flatten().map(|(_, schema)| schema) {
                walk(schema, path, false, found)?;
            }
        } else if SCHEMAS.contains(&keyword) {
            walk(value, path, false, found)?;
            for schema in value.as_array().into_iter().flatten() {
                walk(schema, path, false, found)?;
            }
        }
    }
    Ok(())
}

/// The header that a mark names; `None` where its name is no token (RFC 9110 section 5.6.2).
fn header_of(mark: &Value) -> Option<HeaderName> {
    let mark = mark.as_str().filter(|mark| !mark.is_empty())?;
    HeaderName::try_from(format!("{}{mark}", header::PARAM_PREFIX)).ok()
}

/// What a call says at a place where an argument may be.
#[derive(Debug)]
enum Argument {
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
struct Places<'a> {
    arguments: &'a Object,
    /// The objects on the way to the last place, by name; `None` where there is no object.
    way: Vec<(&'a str, Option<Object>)>,
}

impl<'a> Places<'a> {
    fn of(arguments: &'a Object) -> Self {
        Self {
            arguments,
            way: Vec::new(),
        }
    }

    /// What stands at the end of a path.
    ///
    /// # Errors
    /// When an object on the way has a member twice.
    fn argument(&mut self, path: &'a [String]) -> Result<Argument, ObjectError> {
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
    fn to_text(&self) -> Option<Cow<'_, str>> {
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
    fn agrees(&self, said: Option<&str>) -> Result<(), Mismatch> {
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
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn of(schema: Value) -> Result<Option<ParamHeaders>, String> {
        let tool = Raw::from_value(&json!({"name": "t", "inputSchema": schema}));
        ParamHeaders::of_tool(&tool).map_err(|error| error.to_string())
    }

    fn properties(properties: Value) -> Result<Option<ParamHeaders>, String> {
        of(json!({"type": "object", "properties": properties}))
    }

    fn table() -> ParamHeaders {
        let made = properties(json!({
            "region": {"type": "string", "x-mcp-header": "Region"},
            "n": {"type": "integer", "x-mcp-header": "N"},
            "in": {"type": "object", "properties": {"b": {"type": "boolean", "x-mcp-header": "In.B"}}},
            "other": {"type": "string"},
        }));
        made.unwrap().unwrap()
    }

    fn raw(text: &str) -> Raw {
        Raw::parse(text.to_owned()).unwrap()
    }

    fn made(arguments: &str) -> Vec<(String, String)> {
        let headers = table().make(Some(&raw(arguments)));
        let text = |(name, value): &(HeaderName, HeaderValue)| (name.to_string(), value.to_str().unwrap().to_owned());
        headers.iter().map(text).collect()
    }

    fn headers(given: &[(&str, &str)]) -> Vec<(HeaderName, HeaderValue)> {
        let header = |(name, value): &(&str, &str)| (name.parse().unwrap(), value.parse().unwrap());
        given.iter().map(header).collect()
    }

    fn checked(arguments: &str, given: &[(&str, &str)]) -> Result<(), i64> {
        let checked = table().check(Some(&raw(arguments)), &headers(given));
        checked.map_err(|error| error.code)
    }

    #[test]
    fn marked_arguments_become_headers() {
        let is = |name: &str, value: &str| (format!("mcp-param-{name}"), value.to_owned());
        assert_eq!(
            made(r#"{"region":"eu \u00e4","n":3.0,"in":{"b":true},"other":"x"}"#),
            [is("region", "=?base64?ZXUgw6Q=?="), is("n", "3"), is("in.b", "true")]
        );
        assert_eq!(
            made(r#"{"region":"","n":-12e1}"#),
            [is("region", "=?base64??="), is("n", "-120")]
        );
        assert_eq!(
            made(r#"{"region":"=?base64?x?="}"#),
            [is("region", "=?base64?PT9iYXNlNjQ/eD89?=")]
        );
        assert_eq!(made(r#"{"region":null,"in":1}"#), []);
        assert_eq!(made(r#"{"region":{},"n":[1],"in":{"b":null}}"#), []);
        assert_eq!(made("[]"), []);
        assert_eq!(table().make(None), []);
    }

    #[test]
    fn a_tool_without_marks_has_no_table() {
        assert_eq!(properties(json!({"a": {"type": "string"}})), Ok(None));
        assert_eq!(properties(json!({"x-mcp-header": {"type": "string"}})), Ok(None));
        assert_eq!(of(json!({"default": {"x-mcp-header": "A"}})), Ok(None));
        assert_eq!(of(json!(true)), Ok(None));
        let said = raw(r#"{"name":"t","description":"x-mcp-header"}"#);
        assert_eq!(ParamHeaders::of_tool(&said), Ok(None));
    }

    #[test]
    fn marks_that_cannot_be_read_are_told() {
        let schema = r#"{"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"maximum":1e400}}}"#;
        let tool = |schema: &str| {
            raw(&format!(
                r#"{{"name":"t","description":"x-mcp-header","inputSchema":{schema}}}"#
            ))
        };
        let error = ParamHeaders::of_tool(&tool(schema)).unwrap_err().to_string();
        assert!(
            error.contains("`inputSchema`: x-mcp-header stands in a schema"),
            "{error}"
        );
        let unmarked = tool(r#"{"properties":{"b":{"maximum":1e400}}}"#);
        assert_eq!(ParamHeaders::of_tool(&unmarked), Ok(None));
    }

    #[test]
    fn places_are_found_whatever_was_looked_for_before() {
        let arguments = Object::parse(&raw(r#"{"a":{"b":{"c":"1","d":"2"},"e":"3"},"b":{"c":"4"},"s":"5"}"#)).unwrap();
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

    #[test]
    fn an_object_with_many_marks_is_not_read_again_for_each() {
        const MARKS: usize = 100;
        let property = |at| {
            (
                format!("p{at}"),
                json!({"type": "string", "x-mcp-header": format!("P{at}")}),
            )
        };
        let marked: serde_json::Map<_, _> = (0..MARKS).map(property).collect();
        let table = properties(json!({"in": {"properties": marked}})).unwrap().unwrap();
        let mut values: serde_json::Map<_, _> = (0..MARKS).map(|at| (format!("p{at}"), json!("x"))).collect();
        values.insert("large".to_owned(), json!(vec![0; 10_000]));
        let arguments = Raw::from_value(&json!({"in": values}));
        let once = |_| {
            let began = std::time::Instant::now();
            assert_eq!(table.make(Some(&arguments)).len(), MARKS);
            began.elapsed()
        };
        // One of them was not interrupted.
        let together = (0..10).map(once).min().unwrap();
        let (began, read) = (std::time::Instant::now(), Object::parse(&arguments).unwrap());
        for mirrored in &table.0 {
            Places::of(&read).argument(&mirrored.path).unwrap();
        }
        let apart = began.elapsed();
        assert!(together * 4 < apart, "{together:?}, {apart:?}");
    }

    #[test]
    fn a_mark_must_name_one_header_of_one_plain_argument() {
        for (wrong, why) in [
            (json!({"a": {"type": "number", "x-mcp-header": "A"}}), "types"),
            (json!({"a": {"type": "object", "x-mcp-header": "A"}}), "types"),
            (json!({"a": {"type": ["string", "null"], "x-mcp-header": "A"}}), "types"),
            (json!({"a": {"x-mcp-header": "A"}}), "types"),
            (json!({"a": {"type": "string", "x-mcp-header": "A B"}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": "A\n"}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": "A:"}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": "é"}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": ""}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": 1}}), "name"),
            (json!({"a": {"type": "string", "x-mcp-header": null}}), "name"),
            (
                json!({"a": {"type": "string", "x-mcp-header": "A"}, "b": {"properties": {"c": {"type": "string", "x-mcp-header": "a"}}}}),
                "same header",
            ),
        ] {
            let error = properties(wrong.clone()).unwrap_err();
            assert!(error.contains(why), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_mark_must_be_reached_through_properties_alone() {
        let marked = json!({"type": "string", "x-mcp-header": "A"});
        let inside = json!({"properties": {"a": marked}});
        for wrong in [
            marked.clone(),
            json!({"$defs": {"d": marked}}),
            json!({"$defs": {"d": inside}}),
            json!({"properties": {"l": {"items": marked}}}),
            json!({"properties": {"l": {"prefixItems": [inside]}}}),
            json!({"anyOf": [{"type": "object"}, inside]}),
            json!({"properties": {"o": {"allOf": [inside]}}}),
            json!({"then": inside}),
            json!({"not": inside}),
            json!({"additionalProperties": marked}),
            json!({"patternProperties": {"^a": marked}}),
        ] {
            let error = of(wrong.clone()).unwrap_err();
            assert!(error.contains("through `properties` alone"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_name_of_a_backend_is_cut() {
        let error = properties(json!({"a".repeat(1000): {"type": "string", "x-mcp-header": ""}})).unwrap_err();
        assert!(error.len() < 300, "{error}");
    }

    #[test]
    fn headers_must_say_what_the_arguments_say() {
        let all = r#"{"region":"eu ä","n":42,"in":{"b":false}}"#;
        let good = [
            ("mcp-param-region", "=?base64?ZXUgw6Q=?="),
            ("mcp-param-n", "42.0"),
            ("mcp-param-in.b", "false"),
            ("mcp-param-unknown", "=?base64?!?="),
        ];
        assert_eq!(checked(all, &good), Ok(()));
        for (at, wrong) in [
            (0, "eu"),
            (0, "=?base64?ZXU=?="),
            (0, "=?base64?ZXUgw6Q?="),
            (0, ""),
            (1, "43"),
            (1, "042"),
            (1, "=?base64?NDM=?="),
            (2, "False"),
            (2, "true"),
            (2, "0"),
        ] {
            let mut given = good;
            given[at].1 = wrong;
            assert_eq!(checked(all, &given), Err(code::HEADER_MISMATCH), "{wrong}");
        }
        for missing in 0..3 {
            let mut given = good.to_vec();
            given.remove(missing);
            assert_eq!(checked(all, &given), Err(code::HEADER_MISMATCH), "{missing}");
        }
    }

    #[test]
    fn what_the_body_does_not_say_has_no_header() {
        for nothing in [
            "{}",
            r#"{"region":null}"#,
            r#"{"region":{"a":1}}"#,
            r#"{"in":"x"}"#,
            "[]",
            r#""x""#,
        ] {
            assert_eq!(checked(nothing, &[]), Ok(()), "{nothing}");
            let said = [("mcp-param-region", "eu")];
            assert_eq!(checked(nothing, &said), Err(code::HEADER_MISMATCH), "{nothing}");
        }
        assert_eq!(table().check(None, &[]).map_err(|error| error.code), Ok(()));
    }

    #[test]
    fn a_header_that_counts_is_there_once() {
        let region = r#"{"region":"eu"}"#;
        let one = ("mcp-param-region", "eu");
        assert_eq!(checked(region, &[one]), Ok(()));
        assert_eq!(checked(region, &[one, one]), Err(code::HEADER_MISMATCH));
        let other = ("mcp-param-other", "x");
        assert_eq!(checked(region, &[one, other, other]), Ok(()));
    }

    #[test]
    fn arguments_that_say_two_things_are_refused() {
        for twice in [
            r#"{"region":"eu","regio\u006e":"us"}"#,
            r#"{"in":{"b":true,"b":false}}"#,
        ] {
            assert_eq!(checked(twice, &[]), Err(code::INVALID_PARAMS), "{twice}");
            assert_eq!(made(twice), []);
        }
    }

    #[test]
    fn a_number_that_clients_cannot_write_may_lack_its_header() {
        let big = r#"{"n":9007199254740993}"#;
        assert_eq!(checked(big, &[]), Ok(()));
        assert_eq!(checked(big, &[("mcp-param-n", "9007199254740993")]), Ok(()));
        assert_eq!(
            checked(big, &[("mcp-param-n", "9007199254740992")]),
            Err(code::HEADER_MISMATCH)
        );
        assert_eq!(checked(r#"{"n":1.5}"#, &[]), Err(code::HEADER_MISMATCH));
    }

    proptest! {
        #[test]
        fn what_is_made_passes(region in any::<String>(), n in any::<i64>(), exact in any::<f64>(), b in any::<bool>()) {
            for n in [json!(n), json!(exact)] {
                let arguments = Raw::from_value(&json!({"region": region, "n": n, "in": {"b": b}}));
                let made = table().make(Some(&arguments));
                prop_assert_eq!(table().check(Some(&arguments), &made), Ok(()));
            }
        }

        #[test]
        fn another_value_does_not(region in any::<String>(), other in any::<String>()) {
            prop_assume!(region != other);
            let made = table().make(Some(&Raw::from_value(&json!({"region": region}))));
            let arguments = Raw::from_value(&json!({"region": other}));
            prop_assert!(table().check(Some(&arguments), &made).is_err());
        }
    }
}
