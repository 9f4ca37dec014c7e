//! How deep JSON nests.

/// The deepest nesting of arrays and objects that the gateway accepts.
pub const MAX_DEPTH: usize = 128;

/// Whether `text` nests deeper than `max`. Reads brackets outside strings only, so it may be asked before parsing.
#[must_use]
pub fn exceeds(text: &[u8], max: usize) -> bool {
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => at = end_of_string(text, at),
            b'{' | b'[' => {
                depth += 1;
                if depth > max {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    false
}

/// The index of the quote that closes the string opened at `open`, or the end of the text.
fn end_of_string(text: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(step) = memchr::memchr2(b'"', b'\\', &text[at.min(text.len())..]) {
        at += step;
        if text[at] == b'"' {
            return at;
        }
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_only_outside_strings() {
        assert!(!exceeds(br#"{"a":"[[[[[[\"[[["}"#, 1));
        assert!(exceeds(b"[[[]]]", 2));
        assert!(!exceeds(b"[[[]]]", 3));
        assert!(!exceeds(b"[[],[],[[]]]", 3));
        assert!(!exceeds(br#""unterminated \"#, 1));
    }
}
