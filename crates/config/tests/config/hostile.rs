//! Whatever a file holds: the reader ends with a configuration or with a report, never with a panic.

use argus_config::{Mode, Style};
use proptest::prelude::*;

use crate::common;

/// Checks and draws, for the side effect of not failing.
fn survive(text: &str) {
    match common::check(text, Mode::Serve) {
        Ok(loaded) => drop(format!("{:?}{}", loaded.config, loaded.warnings)),
        Err(report) => {
            assert!(!report.is_empty(), "nothing is said about {text:?}");
            drop((report.to_string(), report.render(Style::Coloured)));
        }
    }
}

/// Pieces of which files are made, so that many mixtures get past the first line.
const WORDS: &[&str] = &[
    "server:",
    "backends:",
    " a:",
    "  type: stdio",
    "  command: ",
    "  env:",
    "\n",
    "\n",
    "\n",
    " ",
    "- ",
    "${",
    "}",
    ":-",
    "$$",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: ",
    "\"",
    "'",
    "|\n",
    "? ",
    ": ",
    "ü",
    "\t",
    "#",
    "!x ",
    "---",
    "\0",
    "\u{feff}",
    "\r\n",
    "port: 1",
    ".inf",
    "~",
    "%",
    "secret:x",
    "\u{2028}",
];

fn pieces() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(WORDS), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn mixtures_of_yaml_are_survived(text in pieces()) {
        survive(&text);
    }

    #[test]
    fn any_text_is_survived(text in ".{0,200}") {
        survive(&text);
    }
}

#[test]
fn every_beginning_of_every_file_is_survived() {
    for (_, text) in common::fixtures("good").into_iter().chain(common::fixtures("bad")) {
        for (end, _) in text.char_indices() {
            survive(&text[..end]);
        }
    }
}

#[test]
fn aliases_that_nest_deeper_and_deeper_are_survived() {
    let nested = |inside: &str| format!("{}{inside}{}", "[".repeat(55), "]".repeat(55));
    let mut text = format!("a0: &a0 {}\n", nested("x"));
    for level in 1..60 {
        text.push_str(&format!(
            "a{level}: &a{level} {}\n",
            nested(&format!("*a{}", level - 1))
        ));
    }
    survive(&text);
}
