//! Which call a message was the answer to that cannot be read.

use argus_protocol::FrameError;

/// The id stands at the head of an answer, or it is not looked for: what is further in may be of the payload.
const HEAD: usize = 64;

/// Our number of the call, as far as the text shows it.
pub(super) fn answered_call(text: &[u8], error: &FrameError) -> Option<u64> {
    match error {
        FrameError::NotAMessage { id, .. } => id.as_ref()?.as_number(),
        FrameError::LongId(_) => None,
        FrameError::NotJson(_) => id_at_the_head(std::str::from_utf8(text.get(..HEAD).unwrap_or(text)).ok()?),
    }
}

/// The id of what looks like a response, such as `{"jsonrpc":"2.0","id":7,"result":NaN}`.
fn id_at_the_head(head: &str) -> Option<u64> {
    let head = head.trim_start();
    let is_message = head.starts_with('{') && head.contains("\"jsonrpc\"");
    let (_, rest) = head.split_once("\"id\"").filter(|_| is_message)?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start();
    let (digits, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
    let answers = rest.contains("\"result\"") || rest.contains("\"error\"");
    digits.parse().ok().filter(|_| answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_an_answer_that_is_no_json_is_found_at_its_head() {
        let of = |text: &str| answered_call(text.as_bytes(), &FrameError::NotJson(String::new()));
        assert_eq!(of(r#"{"jsonrpc":"2.0","id":7,"result":{"x":NaN}}"#), Some(7));
        assert_eq!(of(r#" {"jsonrpc": "2.0", "id": 12, "error": nope}"#), Some(12));
        assert_eq!(of(r#"{"jsonrpc":"2.0","id":7,"method":"x","params":NaN}"#), None);
        assert_eq!(of(r#"{"id":7,"result":NaN}"#), None);
        assert_eq!(of(r#"{"jsonrpc":"2.0","id":"7","result":NaN}"#), None);
        assert_eq!(of(r#"debug: {"jsonrpc":"2.0","id":7,"result":NaN}"#), None);
        assert_eq!(of(r#"{"jsonrpc":"2.0","id":7"#), None);
        let late = format!(r#"{{"jsonrpc":"2.0","x":"{}","id":7,"result":NaN}}"#, "x".repeat(HEAD));
        assert_eq!(of(&late), None);
    }
}
