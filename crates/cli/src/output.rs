//! Writing for people. A reader that went away is no failure; a disk that is full is one.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;

use argus_config::Style;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::show::harmless;

/// Why an answer could not be written, the first time.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Writes a line to standard output: what a command was asked for.
pub(crate) fn answer(text: impl Display) {
    noted(writeln!(io::stdout(), "{text}"));
}

/// Writes a text to standard output that may have its own last line's end.
pub(crate) fn write(text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    noted(write!(io::stdout(), "{text}{end}"));
}

/// The same as `answer` where many lines follow each other: says whether somebody still reads them.
pub(crate) fn tell(text: impl Display) -> bool {
    noted(writeln!(io::stdout(), "{text}"))
}

/// Whether it was written. Why not is kept, unless nobody wanted it any more.
fn noted(written: io::Result<()>) -> bool {
    match written {
        Ok(()) => true,
        Err(error) => {
            if error.kind() != ErrorKind::BrokenPipe {
                // The first one says why.
                drop(LOST.set(error));
            }
            false
        }
    }
}

/// Why not all that was to be written to standard output was written.
pub(crate) fn lost() -> Option<&'static io::Error> {
    noted(io::stdout().flush());
    LOST.get()
}

/// Whether whoever read standard output is gone.
pub(crate) fn is_unread() -> bool {
    let stdout = io::stdout();
    let mut looked = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    let found = poll(&mut looked, PollTimeout::ZERO);
    let flags = looked[0].revents().unwrap_or(PollFlags::empty());
    found.is_ok() && flags.contains(PollFlags::POLLERR)
}

/// Writes a line to standard error: everything else. It may hold words of others, which no terminal obeys.
pub(crate) fn say(text: impl Display) {
    match io::stderr().is_terminal() {
        true => drop(writeln!(io::stderr(), "{}", harmless(&text.to_string()))),
        false => drop(writeln!(io::stderr(), "{text}")),
    }
}

/// The same for a text that has colours of its own.
pub(crate) fn say_in_colours(text: impl Display) {
    drop(writeln!(io::stderr(), "{text}"));
}

/// Colours only where a terminal shows them, and not where `NO_COLOR` asks for none.
pub(crate) fn stderr_has_colours() -> bool {
    io::stderr().is_terminal() && crate::environment::chosen("NO_COLOR").is_none()
}

/// How reports are drawn on standard error.
pub(crate) fn report_style() -> Style {
    if stderr_has_colours() {
        Style::Coloured
    } else {
        Style::Plain
    }
}
