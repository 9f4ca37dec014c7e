//! Whether a tool says that it failed.

use memchr::memmem;

use crate::{Object, Raw};

/// The member that says so.
const IS_ERROR: &[u8] = b"\"isError\"";
/// Where most servers write it.
const LAST_AND_FALSE: &str = "\"isError\":false}";

/// Whether a tool's result has an `isError` of its own that is `true`. A result is read only where it seems to say so;
/// in most a look at the end is enough.
#[must_use]
pub fn tool_failed(result: &Raw) -> bool {
    let text = result.as_str();
    if text.ends_with(LAST_AND_FALSE) {
        return false;
    }
    let text = text.as_bytes();
    memmem::find_iter(text, IS_ERROR).any(|at| is_true(&text[at + IS_ERROR.len()..])) && says_so(result)
}

/// Whether `: true` is next.
fn is_true(rest: &[u8]) -> bool {
    let value = rest.trim_ascii_start().strip_prefix(b":");
    value.is_some_and(|value| value.trim_ascii_start().starts_with(b"true"))
}

/// It may be a part of something else.
#[cold]
fn says_so(result: &Raw) -> bool {
    let read = Object::parse(result);
    read.is_ok_and(|read| read.get("isError").is_some_and(|value| value.as_str() == "true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(text: &str) -> bool {
        tool_failed(&Raw::parse(text.to_owned()).unwrap())
    }

    #[test]
    fn its_own_word_counts_wherever_it_stands() {
        assert!(failed(r#"{"content":[],"isError":true}"#));
        assert!(failed(r#"{"isError" : true, "content":[]}"#));
        assert!(failed(
            r#"{"structuredContent":{"isError":false},"isError":true,"_meta":{}}"#
        ));
    }

    #[test]
    fn others_words_do_not() {
        for text in [
            r#"{"content":[]}"#,
            r#"{"content":[],"isError":false}"#,
            r#"{"isError":false,"content":[]}"#,
            r#"{"isError":"true"}"#,
            r#"{"structuredContent":{"isError":true}}"#,
            r#"{"structuredContent":{"isError":true},"isError":false}"#,
            r#"{"content":[{"type":"text","text":"{\"isError\":true}"}]}"#,
            r#"{"content":["isError",true]}"#,
            r#"[{"isError":true}]"#,
            r#""isError""#,
        ] {
            assert!(!failed(text), "{text}");
        }
    }
}
