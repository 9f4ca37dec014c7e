//! A line that is harmless where it is shown.

use std::fmt::Write as _;

/// The text with what could steer a terminal, or turn what stands beside it around, written out. Tabs stay.
pub(super) fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_odd(letter) {
            // Writing to a text does not fail.
            let _ = write!(harmless, "\\u{{{:x}}}", u32::from(letter));
        } else {
            harmless.push(letter);
        }
    }
    harmless
}

fn is_odd(letter: char) -> bool {
    let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    letter != '\t' && (letter.is_control() || turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out() {
        assert_eq!(
            harmless("\u{1b}[31mred\u{1b}[0m\r\u{7}\u{9b}2J"),
            "\\u{1b}[31mred\\u{1b}[0m\\u{d}\\u{7}\\u{9b}2J"
        );
        assert_eq!(harmless("a\u{202e}b\u{2028}"), "a\\u{202e}b\\u{2028}");
        assert_eq!(harmless("tab\tgrün …"), "tab\tgrün …");
    }
}
