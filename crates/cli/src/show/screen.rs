//! Where an answer is shown.

use std::io::{self, IsTerminal};

use crate::environment;

/// Where an answer is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// How wide it is, where that is known.
    pub(crate) width: Option<usize>,
    /// Whether it shows colours.
    pub(crate) colours: bool,
    /// Whether it obeys control characters.
    pub(crate) terminal: bool,
}

/// What a text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    None,
    Good,
    Doubtful,
    Bad,
    Head,
}

impl Screen {
    /// Standard output.
    pub(crate) fn stdout() -> Self {
        let terminal = io::stdout().is_terminal();
        let no_colours = environment::chosen("NO_COLOR").is_some();
        let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
        Self {
            width: width.filter(|_| terminal),
            colours: terminal && !no_colours,
            terminal,
        }
    }

    /// A text in a colour.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        let code = match colour {
            _ if !self.colours => None,
            Colour::None => None,
            Colour::Good => Some("32"),
            Colour::Doubtful => Some("33"),
            Colour::Bad => Some("31"),
            Colour::Head => Some("1"),
        };
        match code {
            Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
            None => text.to_owned(),
        }
    }
}
