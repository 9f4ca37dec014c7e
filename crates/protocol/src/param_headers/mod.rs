//! `Mcp-Param-*`: arguments of a tool that are mirrored in headers (MCP 2026-07-28 "Custom headers from tool parameters").

mod arguments;
mod marks;

use http::{HeaderName, HeaderValue};

use self::arguments::{Argument, Places};
pub use self::marks::BadMark;
use self::marks::Mirrored;
use crate::object::ObjectError;
use crate::{Object, Raw, RpcError, code, header};

/// The arguments of one tool that are mirrored in headers; there is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamHeaders(Box<[Mirrored]>);

impl ParamHeaders {
    /// What the definition of a tool marks; `None` where that is nothing.
    ///
    /// # Errors
    /// When a mark is not as it must be.
    pub fn of_tool(tool: &Raw) -> Result<Option<Self>, BadMark> {
        let marked = marks::of_tool(tool)?;
        Ok((!marked.is_empty()).then(|| Self(marked.into())))
    }

    /// Whether a tool, or a list of tools, may mark something: a quick look, for hardly any does. `false` is certain.
    #[must_use]
    pub fn may_be_in(tools: &Raw) -> bool {
        marks::may_be_in(tools)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn of(properties: &Value) -> ParamHeaders {
        let tool = Raw::from_value(&json!({"name": "t", "inputSchema": {"properties": properties}}));
        ParamHeaders::of_tool(&tool).unwrap().unwrap()
    }

    fn table() -> ParamHeaders {
        let properties = json!({
            "region": {"type": "string", "x-mcp-header": "Region"},
            "n": {"type": "integer", "x-mcp-header": "N"},
            "in": {"type": "object", "properties": {"b": {"type": "boolean", "x-mcp-header": "In.B"}}},
            "other": {"type": "string"},
        });
        of(&properties)
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
    fn an_object_with_many_marks_is_not_read_again_for_each() {
        const MARKS: usize = 100;
        let property = |at| {
            (
                format!("p{at}"),
                json!({"type": "string", "x-mcp-header": format!("P{at}")}),
            )
        };
        let marked: serde_json::Map<_, _> = (0..MARKS).map(property).collect();
        let table = of(&json!({"in": {"properties": marked}}));
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
