//! Writing for people. A reader that went away is no failure.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use argus_config::Style;

/// Writes a line to standard output: what a command was asked for.
pub(crate) fn answer(text: impl Display) {
    drop(writeln!(io::stdout(), "{text}"));
}

/// Writes a line to standard error: everything else.
pub(crate) fn say(text: impl Display) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// Colours only where a terminal shows them, and not where `NO_COLOR` asks for none.
pub(crate) fn stderr_has_colours() -> bool {
    io::stderr().is_terminal() && crate::environment::lookup("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// How reports are drawn on standard error.
pub(crate) fn report_style() -> Style {
    if stderr_has_colours() {
        Style::Coloured
    } else {
        Style::Plain
    }
}
