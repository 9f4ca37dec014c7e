//! `argus-mcp completions SHELL`: a script with which a shell completes the command line.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};

use crate::arguments;
use crate::failure::Failure;
use crate::output;

/// The arguments of `completions`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// For which shell
    #[arg(value_enum)]
    shell: Choice,
}

/// The shells, in the order in which most people look for theirs.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Choice {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
}

impl From<Choice> for Shell {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Bash => Self::Bash,
            Choice::Zsh => Self::Zsh,
            Choice::Fish => Self::Fish,
            Choice::Powershell => Self::PowerShell,
            Choice::Elvish => Self::Elvish,
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut command = arguments::Arguments::command();
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    generate(Shell::from(arguments.shell), &mut command, name, &mut script);
    // clap_complete 4.6 takes the hyphen in the name of the program for the space before a command, in one of two places
    // that must agree: below the first level bash would offer nothing.
    let script = String::from_utf8_lossy(&script).replace("argus__subcmd__mcp", "argus__mcp");
    output::answer(script.trim_end());
    Ok(())
}
