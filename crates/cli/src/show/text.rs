//! Texts that others wrote.

use std::borrow::Cow;
use std::fmt::Write;

/// A text in which nothing moves the cursor, rings, or turns the direction of writing; lines and tabs stay.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| matches!(letter, '\n' | '\t'))
}

/// The same on one line.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_harmful = |letter: char| (letter.is_control() || turns(letter)) && !stays(letter);
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            letter if !is_harmful(letter) => out.push(letter),
            letter => drop(write!(out, "{}", letter.escape_default())),
        }
    }
    Cow::Owned(out)
}

/// Whether a character changes the direction of others.
fn turns(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(
            harmless("a\x1b[31m\u{9b}\x07\r\n\tb\u{202e}"),
            "a\\u{1b}[31m\\u{9b}\\u{7}\\r\n\tb\\u{202e}"
        );
        assert_eq!(line("a\nb"), "a\\nb");
        assert!(matches!(harmless("grüße, 世界"), Cow::Borrowed(_)));
    }
}
